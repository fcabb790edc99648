import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { until } from '../helpers/server.ts';
import { startPool, tempModule } from './pool-harness.ts';

const MB = 1_048_576;
const canMeasure = 'getHeapStatistics' in Worker.prototype;

test('the pool tells the age, the runs and the state of each thread', async () => {
  const harness = await startPool({ threads: 2 });
  for (let count = 0; count < 3; count += 1) await harness.untilOutcome(harness.hand('ok'));
  const run = await harness.begin('wait');
  const busy = harness.pool.threads().find(({ isBusy }) => isBusy);
  assert.equal(busy?.threadId, harness.threadOf.get(run));
  assert.deepEqual(harness.pool.runsOf(busy?.threadId ?? 0), [run]);
  const infos = harness.pool.threads();
  assert.equal(infos.filter(({ isBusy }) => isBusy).length, 1);
  assert.equal(
    infos.reduce((sum, { runsDone }) => sum + runsDone, 0),
    3,
  );
  for (const { ageMs } of infos) assert.ok(ageMs > 0 && ageMs < 60_000);
});

test('a retired thread lets its runs end, and its replacement has answered', async () => {
  const harness = await startPool({ threads: 2 });
  const run = await harness.begin('wait');
  const threadId = harness.threadOf.get(run) ?? 0;
  let isRetired = false;
  const retired = harness.pool.retire(threadId).then(() => {
    isRetired = true;
  });
  assert.equal(harness.pool.ready, 1);
  assert.equal(harness.pool.threads().length, 1);
  // The other thread takes all that comes now.
  const runs = [harness.hand('ok'), harness.hand('ok')];
  await Promise.all(runs.map((each) => harness.untilOutcome(each)));
  assert.ok(runs.every((each) => harness.threadOf.get(each) !== threadId));
  assert.equal(isRetired, false);
  harness.pool.stop(run, 'canceled');
  await retired;
  assert.equal(harness.pool.ready, 2);
  assert.deepEqual(harness.exits, [threadId]);
  assert.deepEqual([...harness.outcomes.keys()].sort(), [run, ...runs].sort());
  assert.equal(harness.deaths.size, 0);
});

test('an idle thread is retired at once, an unknown one is nothing to do', async () => {
  const harness = await startPool();
  const [thread] = harness.pool.threads();
  await harness.pool.retire(thread?.threadId ?? 0);
  await harness.pool.retire(1_000_000);
  assert.deepEqual(harness.exits, [thread?.threadId]);
  assert.equal(harness.pool.ready, 1);
});

test('a retirement ends with the pool', async () => {
  const harness = await startPool();
  const run = await harness.spin();
  const retired = harness.pool.retire(harness.threadOf.get(run) ?? 0);
  await harness.pool.destroy();
  await retired;
  assert.equal(harness.pool.ready, 0);
});

test('memory counts Buffers of a thread that spins', { skip: !canMeasure }, async () => {
  const harness = await startPool({ threads: 2 });
  const hoarding = await tempModule(`export default (_task, ctx) => {
    const kept = Buffer.alloc(64 * ${MB}, 1);
    ctx.progress('running');
    while (kept.length > 0) {}
  };`);
  const run = harness.hand(hoarding);
  await harness.untilProgress(run);
  const uses = await harness.pool.memory();
  // The idle thread is left out.
  assert.deepEqual(
    uses?.map(({ threadId }) => threadId),
    [harness.threadOf.get(run)],
  );
  const bytes = uses?.[0]?.bytes ?? 0;
  assert.ok(bytes > 64 * MB && bytes < 128 * MB, `${bytes} bytes`);
});

test('memory waits for no thread in a native call or at its end', {
  skip: !canMeasure,
}, async () => {
  const harness = await startPool({ threads: 3 });
  const sign = await tempModule('', 'sign');
  const asleep = await tempModule(`
    import { execFileSync } from 'node:child_process';
    export default () => void execFileSync('sh', ['-c', 'echo >> ${sign}; sleep 2']);`);
  const [spinning, ending] = [await harness.spin(), await harness.spin()];
  const native = harness.hand(asleep);
  await until(() => readFileSync(sign).length > 0);
  await Promise.all([harness.pool.memory(), harness.pool.terminate(ending)]);
  const measured: number[] = [];
  while (measured.length === 0) {
    for (const { threadId } of (await harness.pool.memory()) ?? []) measured.push(threadId);
  }
  assert.equal(harness.outcomes.has(native), false);
  assert.deepEqual(measured, [harness.threadOf.get(spinning)]);
  await harness.untilOutcome(native);
});

test('Node without heap statistics of threads says so', { skip: canMeasure }, async () => {
  const harness = await startPool();
  await harness.spin();
  assert.equal(await harness.pool.memory(), undefined);
});
