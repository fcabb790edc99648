/** Runs that are given to a thread ahead of those it runs: short ones only, and taken back whenever that is better. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAIN_AWAY_MS, MAX_AHEAD } from '../../src/threads/messages.ts';
import { type PoolHarness, type PoolSettings, startPool, tempModule } from './pool-harness.ts';

/** A pool that has seen enough short runs to give some ahead. */
async function startQuick(settings: PoolSettings = {}): Promise<PoolHarness> {
  const harness = await startPool(settings);
  for (let round = 0; round < 5; round += 1) {
    const runs = Array.from({ length: 40 }, () => harness.hand('ok'));
    await Promise.all(runs.map((run) => harness.untilOutcome(run)));
  }
  return harness;
}

test('behind a run that never yields others lie in the thread, and can be withdrawn all the same', async () => {
  const harness = await startQuick();
  const blocking = await harness.spin();
  const [first, second, third] = [harness.hand('ok'), harness.hand('ok'), harness.hand('ok')];
  assert.equal(harness.pool.withdraw(second), true);
  assert.equal(harness.pool.withdraw(second), false);
  assert.equal(harness.pool.withdraw(blocking), false);
  await harness.pool.terminate(blocking);
  await Promise.all([first, third].map((run) => harness.untilOutcome(run)));
  assert.equal(harness.outcomes.has(second), false);
  assert.deepEqual([...harness.deaths.keys()], [blocking]);
});

test('a run that ends long after all behind it was taken back is told at once', async () => {
  const harness = await startQuick();
  // Longer than a thread begins anything without a look of main, which has nothing to look after meanwhile.
  const computes = await tempModule(`export default () => {
    for (const end = performance.now() + ${2 * MAIN_AWAY_MS}; performance.now() < end; );
  };`);
  const long = harness.hand(computes);
  const behind = Array.from({ length: 20 }, () => harness.hand('ok'));
  await harness.untilBegun(long);
  for (const run of behind) assert.equal(harness.pool.withdraw(run), true);
  await harness.untilOutcome(long);
  await harness.untilOutcome(harness.hand('ok'));
});

test('what begins while the main thread is busy is told in its order', async () => {
  const harness = await startQuick();
  const [{ threadId } = { threadId: 0 }] = harness.pool.threads();
  const runs = [...Array.from({ length: 5 }, () => harness.hand('ok')), harness.hand('wait')];
  const last = runs.length - 1;
  assert.deepEqual(harness.pool.waiting(), []); // the thread has them
  while (!harness.pool.runsOf(threadId).includes(runs[last] ?? 0)); // 5 have ended, 1 goes on
  await harness.untilBegun(runs[last] ?? 0);
  assert.deepEqual(harness.begun.slice(-runs.length), runs);
});

test('what lies behind a long run goes to a thread that is free', async () => {
  const harness = await startQuick({ threads: 2 });
  const long = await harness.spin();
  const others = Array.from({ length: 2 * MAX_AHEAD }, () => harness.hand('ok'));
  await Promise.all(others.map((run) => harness.untilOutcome(run)));
  const longThread = harness.threadOf.get(long);
  assert.ok(others.every((run) => harness.threadOf.get(run) !== longThread));
  await harness.pool.terminate(long);
});

test('a thread that has nothing left gets what another one has not begun', async () => {
  const harness = await startQuick({ threads: 2 });
  const computes = await tempModule(`export default () => {
    for (const end = performance.now() + 20; performance.now() < end; );
  };`);
  for (let round = 0; round < 3; round += 1) {
    const runs = [harness.hand(computes), harness.hand(computes)];
    await Promise.all(runs.map((run) => harness.untilOutcome(run)));
  }
  // By turns: one thread has the long ones, the other one is through with its own at once.
  const long = Array.from(
    { length: 5 },
    () => [harness.hand(computes), harness.hand('ok')][0] ?? 0,
  );
  await Promise.all(long.map((run) => harness.untilOutcome(run)));
  assert.equal(new Set(long.map((run) => harness.threadOf.get(run))).size, 2);
});

test('a thread that dies in the midst of a message takes only the run along that it was on', async () => {
  const harness = await startQuick({ maxOldGenerationMb: 32 });
  const dying = await tempModule(`export default async () => {
    let list;
    for (;;) {
      for (let made = 0; made < 5_000; made += 1) list = { list, row: [1, 2, 3] };
      await new Promise((resolve) => setImmediate(resolve));
    }
  };`);
  const before = [harness.hand('ok'), harness.hand('ok')];
  const culprit = harness.hand(dying);
  const behind = Array.from({ length: 20 }, () => harness.hand('ok'));
  await harness.untilDeath(culprit);
  await Promise.all([...before, ...behind].map((run) => harness.untilOutcome(run)));
  assert.deepEqual([...harness.deaths.keys()], [culprit]);
  assert.equal(harness.deaths.get(culprit)?.kind, 'alone');
  // Each once, and those behind the culprit in their order.
  assert.equal(new Set(harness.begun).size, harness.begun.length);
  assert.deepEqual(harness.begun.slice(-20), behind);
});

test('of many runs that each end their thread none is given up, and each is run once', async () => {
  const harness = await startQuick();
  const runs = Array.from({ length: 12 }, (_, i) => harness.hand(i % 3 === 0 ? 'exit' : 'ok'));
  const outcomes = await Promise.all(runs.map((run) => harness.untilOutcome(run)));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    runs.map((_, i) => (i % 3 === 0 ? 'threw' : 'returned')),
  );
  assert.equal(harness.deaths.size, 0);
  assert.equal(new Set(harness.begun).size, harness.begun.length);
});

test('a payload that moves to its thread is given to none that cannot begin it at once', async () => {
  const harness = await startQuick();
  const blocking = await harness.spin();
  const [small, large] = [harness.hand('ok'), harness.hand('ok', new Uint8Array(100_000))];
  assert.ok(harness.pool.waiting().includes(large));
  await harness.pool.terminate(blocking);
  await Promise.all([small, large].map((run) => harness.untilOutcome(run)));
});

test('a payload that is shared lies in a thread ahead of others, and can be withdrawn', async () => {
  const harness = await startQuick();
  const blocking = await harness.spin();
  const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(100_000)).fill(7);
  const [first, second] = [harness.hand('ok', shared()), harness.hand('overwrite', shared())];
  assert.deepEqual(harness.pool.waiting(), []);
  assert.equal(harness.pool.withdraw(first), true);
  await harness.pool.terminate(blocking);
  assert.equal((await harness.untilOutcome(second)).kind, 'returned');
  assert.equal(harness.outcomes.has(first), false);
});

test('a thread to be retired gives back what it has not begun', async () => {
  const harness = await startQuick();
  const [{ threadId } = { threadId: 0 }] = harness.pool.threads();
  const blocking = await harness.begin('wait');
  const behind = [harness.hand('ok'), harness.hand('ok')];
  await new Promise(setImmediate); // by now the thread has them
  const retired = harness.pool.retire(threadId);
  assert.deepEqual(harness.pool.waiting(), behind);
  harness.pool.stop(blocking, 'canceled');
  await retired;
  await Promise.all(behind.map((run) => harness.untilOutcome(run)));
  assert.ok(behind.every((run) => harness.threadOf.get(run) !== threadId));
});

test('runs of one message take turns with timers and messages', async () => {
  const harness = await startQuick();
  const busy = await tempModule(`
    let ticks = 0;
    setInterval(() => { ticks += 1; }, 1).unref();
    export default (_task, ctx) => {
      const until = performance.now() + 2;
      while (performance.now() < until);
      ctx.progress(ticks);
    };`);
  const runs = Array.from({ length: 40 }, () => harness.hand(busy));
  await Promise.all(runs.map((run) => harness.untilOutcome(run)));
  const seen = new Set(runs.map((run) => harness.progress.get(run)));
  assert.ok(seen.size > 3, `ticks seen: ${[...seen].join(' ')}`);
});
