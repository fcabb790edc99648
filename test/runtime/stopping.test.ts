import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const server = await fleet.start({ retryDelay: () => '1h' });
const { client, redis } = fleet;
const keys = queueKeys('default');

/** The pool is back to full strength: two tasks run at once on two threads. */
async function assertFullStrength(): Promise<void> {
  const both = collect(server, 'succeeded', 2);
  await client.enqueueMany([{ task: { type: 'ok' } }, { task: { type: 'ok' } }]);
  await both;
  await until(() => server.snapshot().threadsReady === 2 && server.snapshot().active === 0);
}

for (const type of ['wait', 'throw-if-canceled', 'spin', 'hang']) {
  test(`a cancel request stops a running task: ${type}`, async () => {
    const running = next(server, 'progress');
    const failed = next(server, 'failed');
    const { id } = await client.enqueue({ type });
    await running;
    await client.cancel(id);
    const { error, reason, task } = await failed;
    assert.deepEqual([task.id, reason, error.message], [id, 'canceled', 'context canceled']);
    assert.equal(await redis.client.hget(keys.task(id), 'state'), 'retry');
    await assertFullStrength();
  });
}

test('a handler that sees the cancel and returns has succeeded', async () => {
  const running = next(server, 'progress');
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'obey' }, { retention: '1m' });
  await running;
  await client.cancel(id);
  await done;
  const task = await client.getTask({ id });
  assert.equal(Buffer.from(task?.result ?? []).toString(), 'stopped by myself');
});

test('a run that is stopped while its module loads never reaches its handler', async () => {
  // Its own server, so that the module is loaded for the first time.
  const fresh = await fleet.start({ queues: ['fresh'], concurrency: 1 });
  const progress: unknown[] = [];
  fresh.on('progress', (event) => progress.push(event));
  fresh.on('started', ({ task }) => void client.cancel(task.id));
  const failed = next(fresh, 'failed');
  await client.enqueue({ type: 'slow-to-load' }, { queue: 'fresh' });
  assert.equal((await failed).reason, 'canceled');
  assert.deepEqual(progress, []);
});

test('a timeout stops a task that never looks, and its slot is free only when its code has stopped', async () => {
  const failed = next(server, 'failed');
  const stopping = next(server, 'stopping');
  await client.enqueue({ type: 'spin' }, { timeout: '1s' });
  await stopping;
  assert.equal(server.snapshot().active, 1);
  assert.equal((await failed).reason, 'timeout');
  await assertFullStrength();
});

test('a cancel request for an unknown task harms nobody', async () => {
  await client.cancel('nobody');
  await assertFullStrength();
});

test('process.exit in a handler costs one attempt of its task and no thread', async () => {
  const failed = next(server, 'failed');
  const { id } = await client.enqueue({ type: 'exit' });
  const { error, reason, task } = await failed;
  assert.deepEqual([task.id, reason], [id, 'exit']);
  assert.equal(Reflect.get(error, 'code'), 'ERR_PROCESS_EXIT');
  await assertFullStrength();
});

test('maxOldGenerationMb is the heap limit of each thread', async () => {
  const queue = 'heap';
  const small = await fleet.start({ queues: [queue], concurrency: 1, maxOldGenerationMb: 96 });
  const done = next(small, 'succeeded');
  const { id } = await client.enqueue({ type: 'heap-limit' }, { queue, retention: '1m' });
  await done;
  const task = await client.getTask({ id, queue });
  assert.equal(Buffer.from(task?.result ?? []).toString(), '96');
});

test('a lease that is gone stops its task and writes nothing', async () => {
  const quick = await fleet.start({ queues: { leases: 1 }, leaseDuration: '10s', concurrency: 1 });
  const leases = queueKeys('leases');
  const started = next(quick, 'started');
  const lost = next(quick, 'lost');
  const { id } = await client.enqueue({ type: 'wait' }, { queue: 'leases' });
  await started;
  // Another server's recoverer took it: it waits for its next attempt.
  await redis.client.multi().zrem(leases.lease, id).lrem(leases.active, 0, id).exec();
  await redis.client.zadd(leases.retry, 99_999_999_999, id);
  await redis.client.hset(leases.task(id), 'state', 'retry');
  assert.equal((await lost).task.id, id);
  assert.equal(await redis.client.hget(leases.task(id), 'state'), 'retry');
  assert.equal(await redis.client.get(leases.processed), null);
});
