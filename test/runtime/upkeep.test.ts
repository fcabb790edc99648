import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

test('a task that becomes due is pending within a second, with the default interval', async () => {
  const queue = 'due';
  const keys = queueKeys(queue);
  const server = await fleet.start({
    queues: { [queue]: 1 },
    forwardInterval: '500ms',
    beforeLease: () => false,
  });
  const info = await client.enqueue({ type: 'ok' }, { queue, processIn: 100 });
  assert.equal(info.state, 'scheduled');
  const dueAt = info.nextProcessAt?.getTime() ?? 0;
  await until(async () => (await redis.client.llen(keys.pending)) === 1);
  const [seconds = 0, micros = 0] = (await redis.client.time()).map(Number);
  const late = seconds * 1_000 + micros / 1_000 - dueAt;
  assert.ok(late >= 0 && late < 1_000, `${late} ms after it was due`);
  await server.shutdown();
});

test('a completed task is removed when its retention is over', async () => {
  const queue = 'kept';
  const keys = queueKeys(queue);
  const server = await fleet.start({ queues: { [queue]: 1 }, janitorInterval: '1s' });
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'ok' }, { queue, retention: '1s' });
  await done;
  assert.equal((await client.getTask({ id, queue }))?.state, 'completed');
  await until(async () => (await redis.client.exists(keys.task(id), keys.completed)) === 0);
});

test('a task of a dead server is recovered as a failure once its lease is over by 30 s', async () => {
  const queue = 'dead';
  const keys = queueKeys(queue);
  const seeded = await client.enqueue({ type: 'ok' }, { queue, processIn: '1h' });
  const last = await client.enqueue({ type: 'ok' }, { queue, processIn: '1h', maxRetry: 0 });
  const alive = await client.enqueue({ type: 'ok' }, { queue, processIn: '1h' });
  const now = Math.floor(Date.now() / 1_000);
  for (const { id } of [seeded, last, alive]) {
    await redis.client.zrem(keys.scheduled, id);
    await redis.client.lpush(keys.active, id);
    await redis.client.hset(keys.task(id), 'state', 'active');
  }
  await redis.client.zadd(keys.lease, now - 31, seeded.id, now - 31, last.id, now - 20, alive.id);
  const server = fleet.make({ queues: { [queue]: 1 }, retryDelay: () => '1h' });
  const retried = next(server, 'retried');
  const archived = next(server, 'archived');
  const failed = collect(server, 'failed', 2);
  await server.start();
  assert.equal((await retried).task.id, seeded.id);
  assert.equal((await archived).task.id, last.id);
  assert.ok((await failed).every((event) => event.reason === 'lease_expired'));
  const bytes = await redis.client.hgetBuffer(keys.task(seeded.id), 'msg');
  const message = decodeTaskMessage(bytes ?? Buffer.alloc(0));
  assert.deepEqual([message.retried, message.errorMsg], [1, 'asynq: task lease expired']);
  assert.deepEqual(await redis.client.lrange(keys.active, 0, -1), [alive.id]);
});

test('bytes that cannot be read do not trip the recoverer', async () => {
  const queue = 'poison';
  const keys = queueKeys(queue);
  const good = await client.enqueue({ type: 'ok' }, { queue, processIn: '1h' });
  await redis.client.zrem(keys.scheduled, good.id);
  await redis.client.hset(keys.task('bad'), 'msg', Buffer.from([0xff, 0xff]), 'state', 'active');
  for (const id of ['bad', 'ghost', good.id]) {
    await redis.client.lpush(keys.active, id);
    await redis.client.zadd(keys.lease, 1, id);
  }
  const server = fleet.make({ queues: { [queue]: 1 }, retryDelay: () => '1h' });
  const archived = next(server, 'archived');
  const retried = next(server, 'retried');
  await server.start();
  assert.equal((await archived).task.id, 'bad');
  assert.equal((await retried).task.id, good.id);
  await until(async () => (await redis.client.exists(keys.active, keys.lease)) === 0);
});

test('weighted queues get their shares within 3 points over 10,000 tasks', async () => {
  const total = 10_000;
  const shares = { 'w:critical': 0.6, 'w:default': 0.3, 'w:low': 0.1 };
  // Five points more than its share each, so that all three compete until the last of the ten thousand.
  await client.enqueueMany(
    Object.entries(shares).flatMap(([queue, share]) =>
      Array.from({ length: total * (share + 0.05) }, () => ({
        task: { type: 'ok' },
        options: { queue },
      })),
    ),
  );
  const server = fleet.make({
    queues: { 'w:critical': 6, 'w:default': 3, 'w:low': 1 },
    concurrency: 8,
    tasksPerThread: 4,
  });
  const started = collect(server, 'started', total);
  await server.start();
  const counts = new Map<string, number>();
  for (const { task } of await started) counts.set(task.queue, (counts.get(task.queue) ?? 0) + 1);
  await server.shutdown();
  for (const [queue, share] of Object.entries(shares)) {
    const got = (counts.get(queue) ?? 0) / total;
    assert.ok(Math.abs(got - share) < 0.03, `${queue}: ${got}, wanted ${share}`);
  }
});

test('strict priority empties the first queue before it looks at the next', async () => {
  const queues = { 's:high': 2, 's:low': 1 };
  await client.enqueueMany(
    Array.from({ length: 40 }, (_, index) => ({
      task: { type: 'ok' },
      options: { queue: index % 2 === 0 ? 's:low' : 's:high' },
    })),
  );
  const server = fleet.make({ queues, strictPriority: true, concurrency: 1 });
  const done = collect(server, 'started', 40);
  await server.start();
  const order = (await done).map(({ task }) => task.queue);
  assert.deepEqual(order, [...Array(20).fill('s:high'), ...Array(20).fill('s:low')]);
});

test('a paused queue gives nothing until it is resumed', async () => {
  const queue = 'paused';
  const keys = queueKeys(queue);
  await redis.client.set(keys.paused, '1700000000');
  const server = await fleet.start({ queues: { [queue]: 1, busy: 1 } });
  await client.enqueue({ type: 'ok' }, { queue });
  const other = next(server, 'succeeded');
  await client.enqueue({ type: 'ok' }, { queue: 'busy' });
  assert.equal((await other).task.queue, 'busy');
  assert.equal(await redis.client.llen(keys.pending), 1);
  const done = next(server, 'succeeded');
  await redis.client.del(keys.paused);
  assert.equal((await done).task.queue, queue);
});
