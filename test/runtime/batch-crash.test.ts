/** A death in the middle of a batch loses and doubles nothing, and spends only the attempt of the task that ran. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { useBatches } from '../helpers/batches.ts';
import { fixture } from '../helpers/paths.ts';
import { until, useFleet } from '../helpers/server.ts';

const RUN_SERVER = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const fleet = await useFleet();
const { client, redis } = fleet;
const enqueueBatch = useBatches(client, redis.client);
const handlers = fixture('batches');
const LONG_MS = 60_000;
const children: ChildProcess[] = [];
after(() => children.forEach((child) => child.kill('SIGKILL')));

const deaths = {
  exit: 'a task that calls process.exit()',
  grow: 'a task that fills the memory of its thread',
  spin: 'a task whose thread is terminated as it was canceled',
} as const;

for (const [type, description] of Object.entries(deaths)) {
  test(`${description} in the middle of a batch costs its neighbours nothing`, async () => {
    const batch = await enqueueBatch(type, type);
    const server = await fleet.start({
      handlers,
      queues: [batch.queue],
      concurrency: 1,
      cancelGrace: 50,
      maxOldGenerationMb: 48,
      retryDelay: () => 0,
    });
    if (type === 'spin') {
      await until(() => batch.runs().has(batch.middle), LONG_MS);
      await client.cancel(batch.middle);
    }
    await batch.completed();
    assert.deepEqual([batch.runs().get(batch.middle), await batch.spent()], [2, 1]);
    await server.shutdown();
  });
}

test('the death of a whole process in the middle of a batch costs those that had not begun nothing', async () => {
  const batch = await enqueueBatch('process', 'kill', { before: 300, behind: 200 });
  const { queue, before, middle } = batch;
  const options = JSON.stringify({ queues: [queue], logLevel: 'silent' });
  const child = spawn(process.execPath, [RUN_SERVER, redis.url, handlers, options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const died = once(child, 'exit');
  // Those before it are settled: what had ended without Redis knowing it would run again.
  await until(
    async () => (await batch.hasEnded(before.length)) && batch.runs().has(middle),
    LONG_MS,
  );
  batch.open();
  await died;
  const server = await fleet.start({
    handlers,
    queues: [queue],
    concurrency: 1,
    recoverInterval: 100,
    retryDelay: () => 0,
  });
  await batch.completed();
  assert.equal(batch.runs().get(middle), 2);
  await server.shutdown();
});
