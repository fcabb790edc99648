/** What happens to a thread once happens to all of them again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskWorkerUrl } from '../../src/threads/worker-urls.ts';
import { isWhole, startPool } from './pool-harness.ts';

test('after a hundred calls of process.exit in a row the pool is whole', async () => {
  const harness = await startPool({ threads: 2 });
  const runs = Array.from({ length: 100 }, () => harness.hand('exit'));
  const outcomes = await Promise.all(runs.map((run) => harness.untilOutcome(run)));
  assert.ok(outcomes.every(({ kind }) => kind === 'threw'));
  await isWhole(harness);
  assert.equal(harness.deaths.size, 0);
});

test('after terminations of every thread at once, again and again, the pool is whole', async () => {
  const harness = await startPool({ threads: 2 });
  for (let round = 0; round < 10; round += 1) {
    const runs = await Promise.all([harness.spin(), harness.spin()]);
    await Promise.all(runs.map((run) => harness.pool.terminate(run)));
  }
  await isWhole(harness);
});

test('threads that end while they boot do not take the process with them', async () => {
  // Node aborts when a thread ends while it requires an ES module, as Piscina does first of all: see the entry.
  assert.match(taskWorkerUrl.pathname, /\.cjs$/);
  for (let count = 0; count < 20; count += 1) {
    const harness = await startPool({ threads: 2 });
    await harness.pool.destroy();
  }
});
