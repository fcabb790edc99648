import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePool, startPool, tempModule } from './pool-harness.ts';

test('at its end a run that waits behind another is told of, one that has begun is not', async () => {
  const harness = await startPool({ tasksPerThread: 2 });
  await harness.spin();
  const behind = harness.hand('spin');
  await harness.pool.destroy();
  assert.deepEqual([...harness.deaths.keys()], [behind]);
  assert.equal(harness.deaths.get(behind)?.kind, 'not_begun');
});

test('at its end the line is dropped and nothing is told of it', async () => {
  const harness = await startPool();
  await harness.spin();
  harness.hand('ok');
  harness.hand('ok');
  await harness.pool.destroy();
  assert.deepEqual(harness.pool.waiting(), []);
  assert.deepEqual([...harness.deaths.keys()], []);
  assert.equal(harness.exits.length, 1);
});

test('a pool that is ended while it starts says so at once', { timeout: 10_000 }, async () => {
  const harness = makePool();
  const rejected = assert.rejects(harness.pool.start(harness), /ended while they started/);
  await harness.pool.destroy();
  await rejected;
  // Whatever a thread said before its end has been heard two turns later.
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(harness.pool.ready, 0);
});

test('a run handed to a pool that is not up is told as not begun', async () => {
  const harness = await startPool();
  await harness.pool.destroy();
  const run = harness.hand('ok');
  assert.equal(harness.deaths.get(run)?.kind, 'not_begun');
});

test('runs without a free thread wait in a line and begin in its order', async () => {
  const harness = await startPool();
  const first = await harness.begin('wait');
  const waiting = [1, 2, 3, 4, 5].map(() => harness.hand('ok'));
  assert.deepEqual(harness.pool.waiting(), waiting);
  harness.pool.stop(first, 'canceled');
  await harness.untilOutcome(6);
  assert.deepEqual(harness.begun, [first, ...waiting]);
  assert.deepEqual(harness.pool.waiting(), []);
});

test('each thread gets as many runs as it may have, and no more', async () => {
  const harness = await startPool({ threads: 2, tasksPerThread: 2 });
  const begun = await Promise.all([1, 2, 3, 4].map(() => harness.begin('wait')));
  const waiting = [harness.hand('wait'), harness.hand('wait')];
  assert.deepEqual(harness.pool.waiting(), waiting);
  const perThread = harness.pool.threads().map(({ threadId }) => harness.pool.runsOf(threadId));
  assert.deepEqual(
    perThread.map((runs) => runs.length),
    [2, 2],
  );
  assert.deepEqual(perThread.flat().sort(), begun);
  assert.equal(harness.pool.busy, 2);
});

test('a run in the line can be withdrawn, and nobody hears of it', async () => {
  const harness = await startPool();
  const first = await harness.begin('wait');
  const [withdrawn, next] = [harness.hand('ok'), harness.hand('ok')];
  assert.equal(harness.pool.withdraw(withdrawn), true);
  assert.equal(harness.pool.withdraw(withdrawn), false);
  assert.equal(harness.pool.withdraw(first), false);
  harness.pool.stop(first, 'canceled');
  await harness.untilOutcome(next);
  assert.deepEqual(harness.begun, [first, next]);
  assert.equal(harness.outcomes.has(withdrawn), false);
  assert.equal(harness.deaths.has(withdrawn), false);
});

test('only a run that has begun can be told to stop', async () => {
  const harness = await startPool();
  const first = await harness.begin('wait');
  const second = harness.hand('wait');
  assert.equal(harness.pool.stop(second, 'canceled'), false);
  assert.equal(harness.pool.stop(first, 'canceled'), true);
  await harness.untilOutcome(first);
  assert.equal(harness.pool.stop(first, 'canceled'), false);
});

test('signs of life of a run can be read while its code spins', async () => {
  const harness = await startPool();
  const beating = await tempModule(`export default (_task, ctx) => {
    for (;;) ctx.progress('running');
  };`);
  const run = await harness.begin(beating);
  const waiting = harness.hand('ok');
  await harness.untilProgress(run);
  const before = harness.pool.beats(run);
  while (harness.pool.beats(run) === before) await new Promise(setImmediate);
  assert.equal(harness.pool.beats(waiting), undefined);
  assert.equal(typeof before, 'number');
});

test('an envelope that cannot be sent is told of, and its thread goes on', async () => {
  const harness = await startPool();
  const type = (() => undefined) as unknown as string;
  const task = { id: 'x', type, queue: 'q', headers: {}, retried: 0, maxRetry: 0 };
  const handler = { url: 'file:///none', pattern: 't' };
  harness.pool.hand({ ...task, run: 100, handler, payload: new Uint8Array(), keepsResult: false });
  const next = harness.hand('ok');
  assert.equal((await harness.untilDeath(100)).kind, 'not_begun');
  await harness.untilOutcome(next);
  assert.deepEqual(harness.exits, []);
});
