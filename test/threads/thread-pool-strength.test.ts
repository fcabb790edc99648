import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { taskWorkerUrl } from '../../src/threads/worker-urls.ts';
import { until } from '../helpers/server.ts';
import { isWhole, makePool, startPool, tempModule } from './pool-harness.ts';

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
