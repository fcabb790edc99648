import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deathOf, type ThreadEnd } from '../../src/threads/death.ts';
import type { Death } from '../../src/threads/pool-listener.ts';
import { tempModules } from '../helpers/temp-modules.ts';
import { isWhole, silentEntry, startPool, tempModule } from './pool-harness.ts';

const OUT_OF_MEMORY = Object.assign(new Error('full'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });

function kindOf(run: number, begun: readonly number[], end: Partial<ThreadEnd> = {}): string {
  const defaults = { error: new Error('gone'), wasTerminated: false, doom: undefined };
  return deathOf(run, { ...defaults, ...end, begun: new Set(begun) }).kind;
}

test('the kind of a death follows from what had begun and who ended the thread', () => {
  const cases: readonly (readonly [string, Death['kind']])[] = [
    [kindOf(1, []), 'not_begun'],
    [kindOf(1, [2], { wasTerminated: true }), 'not_begun'],
    [kindOf(1, [2], { doom: { run: 2 } }), 'not_begun'],
    [kindOf(1, [1]), 'alone'],
    [kindOf(1, [1, 2]), 'together'],
    [kindOf(1, [1], { wasTerminated: true }), 'terminated'],
    [kindOf(1, [1], { wasTerminated: true, doom: { run: 2 } }), 'terminated'],
    [kindOf(1, [1], { doom: { run: 2 } }), 'bystander'],
    [kindOf(1, [1, 3], { doom: { run: 2 } }), 'bystander'],
    // Its own doing, whoever ran beside it.
    [kindOf(1, [1, 3], { doom: { run: 1 } }), 'alone'],
    // Nobody knows whose code it was.
    [kindOf(1, [1], { doom: { run: 0 } }), 'alone'],
    [kindOf(1, [1, 3], { doom: { run: 0 } }), 'together'],
    // The doomed thread let its other runs finish, and one of these filled it.
    [kindOf(1, [1], { doom: { run: 2 }, error: OUT_OF_MEMORY }), 'alone'],
    [kindOf(1, [1, 3], { doom: { run: 2 }, error: OUT_OF_MEMORY }), 'together'],
  ];
  assert.deepEqual(
    cases.map(([kind]) => kind),
    cases.map(([, wanted]) => wanted),
  );
});

test('a full heap is told by the code of the error', () => {
  const end = { begun: new Set([1]), wasTerminated: false, doom: undefined };
  assert.equal(deathOf(1, { ...end, error: OUT_OF_MEMORY }).isOutOfMemory, true);
  assert.equal(deathOf(1, { ...end, error: new Error('gone') }).isOutOfMemory, false);
});

/** Small objects made by plain code, with turns of the loop between: otherwise a full heap may end the whole process. */
const EXHAUST = `export default async () => {
  let list;
  for (;;) {
    for (let made = 0; made < 5_000; made += 1) list = { list, row: [1, 2, 3] };
    await new Promise((resolve) => setImmediate(resolve));
  }
};`;

test('a run that fills the heap dies alone, of memory', async () => {
  const harness = await startPool({ maxOldGenerationMb: 32 });
  const run = harness.hand(await tempModule(EXHAUST));
  const death = await harness.untilDeath(run);
  assert.deepEqual([death.kind, death.isOutOfMemory], ['alone', true]);
  await isWhole(harness);
  assert.deepEqual(harness.faults, []); // its run has told
});

test('a thread whose heap is filled by what a run has left behind is told of once', async () => {
  const harness = await startPool({ maxOldGenerationMb: 32 });
  const leaves = `const exhaust = ${EXHAUST.replace('export default ', '')};
    export default () => void setTimeout(exhaust, 1);`;
  const run = harness.hand(await tempModule(leaves));
  assert.equal((await harness.untilOutcome(run)).kind, 'returned');
  await harness.told(() => harness.exits.length > 0);
  await isWhole(harness);
  assert.equal(harness.deaths.size, 0);
  const codes = harness.faults.map((error) => (error as NodeJS.ErrnoException).code);
  assert.deepEqual(codes, ['ERR_WORKER_OUT_OF_MEMORY']);
});

test('of several runs on a thread whose heap is full, all die together', async () => {
  const harness = await startPool({ maxOldGenerationMb: 32, tasksPerThread: 2 });
  const first = await harness.begin('wait');
  const second = harness.hand(await tempModule(EXHAUST));
  for (const run of [first, second]) {
    const death = await harness.untilDeath(run);
    assert.deepEqual([death.kind, death.isOutOfMemory], ['together', true]);
  }
});

test('the neighbour of a run that calls process.exit is a bystander', async () => {
  const harness = await startPool({ tasksPerThread: 2 });
  const neighbour = await harness.begin('wait');
  const culprit = harness.hand('exit');
  assert.equal((await harness.untilOutcome(culprit)).kind, 'threw');
  const death = await harness.untilDeath(neighbour);
  assert.deepEqual([death.kind, death.isOutOfMemory], ['bystander', false]);
  assert.deepEqual(
    harness.dooms.map(({ by, run }) => [by, run]),
    [['exit', culprit]],
  );
});

test('a thread doomed by an uncaught error lets its other runs finish', async () => {
  const harness = await startPool({ tasksPerThread: 2 });
  const neighbour = await harness.begin('wait');
  const throwing = await tempModule(`export default () => new Promise(() => {
    setImmediate(() => { throw new Error('late'); });
  });`);
  const culprit = harness.hand(throwing);
  await harness.told(() => harness.dooms.length > 0);
  assert.equal(harness.pool.ready, 0);
  assert.equal(harness.outcomes.get(culprit)?.kind, 'threw');
  assert.deepEqual(harness.exits, []);
  harness.pool.stop(neighbour, 'canceled');
  await harness.untilOutcome(neighbour);
  await harness.told(() => harness.exits.length > 0);
  assert.equal(harness.deaths.size, 0);
});

test('all runs on a terminated thread hear that it was terminated', async () => {
  const harness = await startPool({ tasksPerThread: 2 });
  const neighbour = await harness.begin('wait');
  const culprit = await harness.spin();
  await Promise.all([harness.pool.terminate(culprit), harness.pool.terminate(neighbour)]);
  assert.equal(harness.deaths.get(neighbour)?.kind, 'terminated');
  assert.equal(harness.deaths.get(culprit)?.kind, 'terminated');
  assert.equal(harness.exits.length, 1);
});

test('runs that a thread had not begun go to another one, in their order', async () => {
  const harness = await startPool({ tasksPerThread: 4 });
  const culprit = await harness.spin();
  const [second, third] = [harness.hand('ok'), harness.hand('ok')];
  const heavy = harness.hand('ok', new Uint8Array(100_000));
  const inLine = harness.hand('ok');
  assert.deepEqual(harness.pool.waiting(), [inLine]);
  await harness.pool.terminate(culprit);
  await harness.untilOutcome(inLine);
  assert.deepEqual(harness.begun, [culprit, second, third, inLine]);
  assert.equal(harness.deaths.get(culprit)?.kind, 'terminated');
  // Its payload had moved to the thread and is gone with it.
  assert.equal(harness.deaths.get(heavy)?.kind, 'not_begun');
  assert.deepEqual([...harness.deaths.keys()].sort(), [culprit, heavy]);
});

test('a run whose payload is shared goes to another thread with it', async () => {
  const harness = await startPool({ tasksPerThread: 4 });
  const culprit = await harness.spin();
  const payload = new Uint8Array(new SharedArrayBuffer(200_000), 1, 100_000).fill(7);
  const heavy = harness.hand('overwrite', payload);
  assert.deepEqual(harness.pool.waiting(), []); // the thread has it
  await harness.pool.terminate(culprit);
  assert.equal((await harness.untilOutcome(heavy)).kind, 'returned');
  assert.ok(payload.every((byte) => byte === 7));
});

test('runs that a doomed thread refuses go to another one, in their order', async () => {
  const harness = await startPool({ tasksPerThread: 5 });
  const neighbour = await harness.begin('wait');
  const throwing = await tempModule(`export default () => new Promise(() => {
    setTimeout(() => { throw new Error('late'); }, 150);
  });`);
  await harness.begin(throwing);
  // The thread is doomed while nothing is heard of it here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const refused = [harness.hand('ok'), harness.hand('ok')];
  const heavy = harness.hand('ok', new Uint8Array(100_000));
  assert.deepEqual(harness.pool.waiting(), []);
  assert.equal((await harness.untilDeath(heavy)).kind, 'not_begun');
  assert.deepEqual(harness.pool.waiting(), refused);
  assert.deepEqual(harness.exits, []);
  harness.pool.stop(neighbour, 'canceled');
  await Promise.all(refused.map((run) => harness.untilOutcome(run)));
  assert.deepEqual(harness.begun.slice(2), refused);
});

test('the board alone says which runs had begun', async () => {
  const entry = await silentEntry('begin(); if (run === 2) process.exit(5);');
  const harness = await startPool({ tasksPerThread: 2, entry });
  const runs = [harness.hand('ok'), harness.hand('ok')];
  for (const run of runs) {
    const death = await harness.untilDeath(run);
    assert.equal(death.kind, 'together');
    assert.match(death.error.message, /exit code was 5/);
  }
});

test('a run that four threads in a row did not begin is told as such', async () => {
  const harness = await startPool({ entry: await silentEntry('process.exit(5);') });
  const run = harness.hand('ok');
  assert.equal((await harness.untilDeath(run)).kind, 'not_begun');
  await harness.told(() => harness.exits.length >= 4);
  assert.equal(harness.exits.length, 4);
});

test('what a thread had posted before it was terminated counts', async () => {
  const harness = await startPool();
  const marker = join(await tempModules({}), 'spins');
  const run = await harness.begin(
    await tempModule(`import { writeFileSync } from 'node:fs';
    export default async () => {
      setTimeout(() => { writeFileSync(${JSON.stringify(marker)}, ''); for (;;) {} }, 20);
    };`),
  );
  // Without a turn of the loop: the outcome is on the port, and nobody has read it.
  while (!existsSync(marker)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  await harness.pool.terminate(run);
  assert.equal(harness.outcomes.get(run)?.kind, 'returned');
  assert.equal(harness.deaths.size, 0);
  assert.deepEqual(harness.exits, []); // there is nothing left to stop
});
