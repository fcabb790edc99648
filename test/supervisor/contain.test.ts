/** Each way in which a task can end a whole process costs one attempt of that task, and never the pool. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { LONG_MS, type RunningFleet, useFleets } from './fleet.ts';

const TIMES = 5;
const GOOD_TASKS = 100;

const fleets = await useFleets();
const { client } = fleets;
const fleet = await fleets.start('hostile', {
  HANDLERS: fixture('hostile'),
  CONCURRENCY: '2',
  MAX_OLD_GENERATION_MB: '48',
});

/** What V8 does at its limit depends on its version: it ends the thread, or the whole process. */
const OUT_OF_MEMORY = /out of memory|the process ended while it ran the task: killed by SIG/;

const KILLERS: readonly (readonly [string, RegExp])[] = [
  ['heap-array', OUT_OF_MEMORY],
  ['heap-map', OUT_OF_MEMORY],
  ['heap-json', OUT_OF_MEMORY],
  ['heap-split', OUT_OF_MEMORY],
  ['kill', /the process ended while it ran the task: killed by SIGKILL/],
];

/** The child is there with all its threads, and a hundred tasks run without a failure. */
async function assertWhole({ queue, enqueue, fields, metrics }: RunningFleet): Promise<void> {
  const options = { queue, retention: '1h', maxRetry: 0 };
  const results = await client.enqueueMany(
    Array.from({ length: GOOD_TASKS }, () => ({ task: { type: 'good', payload: 'x' }, options })),
  );
  const ids = results.flatMap((each) => (each.ok ? [each.info.id] : []));
  const last = await enqueue('good', options);
  for (const id of [...ids, last]) {
    await until(async () => (await fields(id))['state'] === 'completed', LONG_MS);
  }
  await until(async () => /^threadmill_threads_total 2$/m.test(await metrics()), LONG_MS);
}

for (const [type, expected] of KILLERS) {
  test(`${type}: each costs one attempt of its task, and the pool is whole after ${TIMES}`, async () => {
    for (let time = 0; time < TIMES; time += 1) {
      const id = await fleet.enqueue(type, { maxRetry: 0 });
      await until(async () => (await fleet.fields(id))['state'] === 'archived', LONG_MS);
      const { lastError = '', threadmill_crashes: crashes } = await fleet.fields(id);
      assert.match(lastError, expected);
      assert.equal(crashes, '1');
    }
    await assertWhole(fleet);
  });
}

test('memory over MAX_TASK_MEMORY_MB fails its task, Buffers included, and the process lives on', async () => {
  const watched = await fleets.start('watched', {
    HANDLERS: fixture('hostile'),
    MAX_TASK_MEMORY_MB: '96',
  });
  for (const what of ['buffers', 'map']) {
    const id = await watched.enqueue('grow', { maxRetry: 0 }, { what });
    await until(async () => (await watched.fields(id))['state'] === 'archived', LONG_MS);
    assert.equal((await watched.fields(id))['lastError'], 'memory limit exceeded');
  }
  const restarts = watched.records.filter(({ msg }) => msg === 'restarting child process');
  assert.deepEqual(restarts, []);
  const nameless = watched.records.filter(
    ({ pid, threadId }) => typeof pid !== 'number' || typeof threadId !== 'number',
  );
  assert.deepEqual(nameless, [], 'each line has its process and its thread');
});
