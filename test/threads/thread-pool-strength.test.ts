import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { taskWorkerUrl } from '../../src/threads/worker-urls.ts';
import { until } from '../helpers/server.ts';
import { makePool, startPool, tempModule, type PoolHarness } from './pool-harness.ts';

/** The real entry, in threads that die while they boot for as long as `FATE` says how. */
async function mortalEntry(): Promise<{ readonly entry: URL; boots(): number }> {
  const text = `
    require('node:fs').appendFileSync(__dirname + '/boots', '.');
    if (process.env.FATE === 'exit') process.exit(3);
    if (process.env.FATE === 'throw') throw new Error('no boot');
    module.exports = require(${JSON.stringify(fileURLToPath(taskWorkerUrl))});`;
  const file = await tempModule(text, 'entry.cjs');
  const log = join(dirname(file), 'boots');
  return { entry: pathToFileURL(file), boots: () => readFileSync(log).length };
}

/** The pool is whole, and every thread of it works. */
async function isWhole(harness: PoolHarness): Promise<void> {
  await until(() => harness.pool.ready === harness.pool.total, 20_000);
  const runs = harness.pool.threads().map(() => harness.hand('wait'));
  await Promise.all(runs.map((run) => harness.untilBegun(run)));
  assert.equal(new Set(runs.map((run) => harness.threadOf.get(run))).size, harness.pool.total);
  for (const run of runs) harness.pool.stop(run, 'canceled');
  await Promise.all(runs.map((run) => harness.untilOutcome(run)));
}

for (const fate of ['exit', 'throw']) {
  test(`replacements that die by ${fate} while they boot are replaced until one lives`, async () => {
    const { entry, boots } = await mortalEntry();
    const harness = await startPool({ threads: 2, entry });
    const runs = [await harness.spin(), await harness.spin()];
    const before = boots();
    process.env['FATE'] = fate;
    await Promise.all(runs.map((run) => harness.pool.terminate(run)));
    const waiting = harness.hand('ok');
    await until(() => boots() >= before + 5);
    assert.equal(harness.pool.ready, 0);
    delete process.env['FATE'];
    await harness.untilOutcome(waiting);
    await isWhole(harness);
    // Piscina replaces none by itself any more; still it goes on at once.
    const again = await harness.spin();
    await harness.pool.terminate(again);
    await isWhole(harness);
  });
}

test('a pool whose threads cannot boot rejects its start, and tries no longer', async () => {
  const { entry, boots } = await mortalEntry();
  process.env['FATE'] = 'throw';
  const harness = makePool({ threads: 2, entry });
  await assert.rejects(harness.pool.start(harness), /no boot/);
  delete process.env['FATE'];
  const count = boots();
  await new Promise((resolve) => {
    setTimeout(resolve, 300); // longer than several pauses between two tries
  });
  assert.equal(boots(), count);
  assert.equal(harness.pool.ready, 0);
});

test('a thread whose run ends it is given nothing from the moment that is known', async () => {
  const harness = await startPool({ threads: 2 });
  const run = harness.hand('exit');
  // Looked at while the outcome is told: the message that names the doom comes after it.
  const [ready] = await harness.told(() => harness.outcomes.has(run) && [harness.pool.ready]);
  assert.equal(ready, 1);
});

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
