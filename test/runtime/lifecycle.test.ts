import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  HandlerLoadError,
  RedisUnreachableError,
  Server,
  ServerStateError,
} from '../../src/index.ts';
import { queueKeys, SERVERS, serverKey, WORKERS, workersKey } from '../../src/wire/keys.ts';
import { decodeServerInfo, decodeWorkerInfo } from '../../src/wire/server-info.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, recordingLogger, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

test('start() fails with a typed error when Redis is not there, and leaves nothing running', async () => {
  const server = fleet.make({ redis: 'redis-socket:///nowhere/at/all.sock', connectTimeout: 200 });
  await assert.rejects(server.start(), RedisUnreachableError);
  assert.equal(server.status, 'closed');
  await assert.rejects(server.start(), ServerStateError);
});

test('start() fails when a handler module cannot be loaded, naming it', async () => {
  const server = fleet.make({ handlers: fixture('broken-handlers') });
  await assert.rejects(server.start(), (error) => {
    assert.ok(error instanceof HandlerLoadError);
    assert.match(error.message, /throws\.js/);
    assert.match(error.message, /no database/);
    return true;
  });
  assert.equal(server.status, 'closed');
});

test('wrong options are all reported by the constructor', () => {
  assert.throws(
    () => new Server({ redis: redis.url, handlers: 'x', concurrency: 0, leaseDuration: '1s' }),
    (error: Error) => /concurrency/.test(error.message) && /leaseDuration/.test(error.message),
  );
});

test('shutdown() before start() and twice is harmless', async () => {
  const server = fleet.make();
  await Promise.all([server.shutdown(), server.shutdown()]);
  assert.equal(server.status, 'closed');
});

test('the fleet sees the server, its running task, and that it stops pulling', async () => {
  const queue = 'presence';
  const server = await fleet.start({ queues: { [queue]: 3 }, heartbeatInterval: '1s' });
  const started = next(server, 'started');
  const { id } = await client.enqueue({ type: 'wait', payload: { a: 1 } }, { queue });
  await started;
  const [address = ''] = (await redis.client.zrange(SERVERS, '0', '-1')).filter((key) =>
    key.includes(`:${process.pid}:`),
  );
  const name = address.slice(serverKey('').length - 1, -1);
  assert.ok((await redis.client.zrange(WORKERS, '0', '-1')).includes(workersKey(name)));
  await until(async () => (await redis.client.hlen(workersKey(name))) === 1);
  const worker = decodeWorkerInfo(
    (await redis.client.hgetBuffer(workersKey(name), id)) ?? Buffer.alloc(0),
  );
  assert.deepEqual([worker.taskId, worker.taskType, worker.queue], [id, 'wait', queue]);
  assert.equal(Buffer.from(worker.taskPayload).toString(), '{"a":1}');
  await server.stop();
  const read = async (): Promise<ReturnType<typeof decodeServerInfo>> =>
    decodeServerInfo((await redis.client.getBuffer(serverKey(name))) ?? Buffer.alloc(0));
  const info = await read();
  assert.deepEqual([info.status, info.queues, info.concurrency], ['stopped', { [queue]: 3 }, 2]);
  await client.enqueue({ type: 'ok' }, { queue });
  await client.cancel(id);
  await next(server, 'retried');
  assert.equal(await redis.client.llen(queueKeys(queue).pending), 1);
  await server.shutdown();
  assert.equal(await redis.client.exists(serverKey(name), workersKey(name)), 0);
  assert.equal(await redis.client.zscore(SERVERS, serverKey(name)), null);
});

test('leases are extended while a synchronous handler keeps its thread busy', async () => {
  const queue = 'extended';
  const keys = queueKeys(queue);
  const server = await fleet.start({ queues: { [queue]: 1 }, leaseDuration: '10s' });
  const started = next(server, 'progress');
  const { id } = await client.enqueue({ type: 'obey' }, { queue });
  await started;
  const first = Number(await redis.client.zscore(keys.lease, id));
  await until(async () => Number(await redis.client.zscore(keys.lease, id)) > first);
  const done = next(server, 'succeeded');
  await client.cancel(id);
  await done;
});

test('shutdown lets running tasks finish', async () => {
  const queue = 'finish';
  const server = await fleet.start({ queues: { [queue]: 1 }, concurrency: 1 });
  const started = next(server, 'started');
  const done = next(server, 'succeeded');
  await client.enqueue({ type: 'chatter', payload: { ms: 400 } }, { queue });
  await started;
  await server.shutdown();
  await done;
  assert.equal(await redis.client.llen(queueKeys(queue).active), 0);
});

test('a task that outlives the shutdown goes back to the front, nothing spent, and stops first', async () => {
  const queue = 'requeue';
  const keys = queueKeys(queue);
  const server = await fleet.start({
    queues: { [queue]: 1 },
    concurrency: 1,
    shutdownTimeout: 100,
    cancelGrace: 200,
  });
  const started = next(server, 'progress');
  const requeued = next(server, 'requeued');
  const first = await client.enqueue({ type: 'spin' }, { queue });
  await started;
  const second = await client.enqueue({ type: 'ok' }, { queue });
  const ms = await givenTimeOf(() => server.shutdown());
  assert.ok(ms < 100 + 200 + 1_000, `${ms} ms`);
  assert.equal((await requeued).reason, 'shutdown');
  // The right end is the front: consumers take from there.
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [second.id, first.id]);
  assert.equal((await client.getTask({ id: first.id, queue }))?.retried, 0);
  assert.deepEqual(await redis.client.zrange(keys.lease, '0', '-1'), []);
  assert.equal(await redis.client.get(keys.processed), null);
});

test('a task stuck in a native call is not given back while its code still runs', async () => {
  const queue = 'native';
  const keys = queueKeys(queue);
  const server = await fleet.start({
    queues: { [queue]: 1 },
    concurrency: 1,
    shutdownTimeout: 50,
    cancelGrace: 50,
  });
  const events: unknown[] = [];
  for (const name of ['requeued', 'failed', 'lost'] as const) {
    server.on(name, (event) => events.push(event));
  }
  // Not `started`: its module may still be loading then, and a run that is stopped meanwhile ends at once.
  const begun = next(server, 'progress');
  const { id } = await client.enqueue({ type: 'native' }, { queue });
  await begun;
  const stuck = next(server, 'stuck');
  const { stillRunning } = await server.shutdown();
  assert.deepEqual(
    stillRunning.map((task) => task.id),
    [id],
  );
  assert.equal((await stuck).reason, 'shutdown');
  assert.deepEqual(events, []);
  assert.deepEqual(await redis.client.lrange(keys.active, 0, -1), [id]);
  assert.notEqual(await redis.client.zscore(keys.lease, id), null);
});

test('a warning says that the eviction policy may lose tasks', async () => {
  await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const { logger, records } = recordingLogger();
  await fleet.start({ queues: { warned: 1 }, logger });
  await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
  const warning = records.find((record) => /evict/.test(record.msg));
  assert.deepEqual([warning?.level, warning?.['policy']], [40, 'allkeys-lru']);
});

test('the start line says how many threads there are and where the number came from', async () => {
  const { logger, records } = recordingLogger();
  await fleet.start({ queues: { line: 1 }, logger, concurrency: 3, tasksPerThread: 2 });
  const line = records.find((record) => record.msg === 'started');
  assert.deepEqual(
    [line?.['threads'], line?.['tasksPerThread'], line?.['concurrencySource']],
    [2, 2, 'set by concurrency'],
  );
});

test('tasks of one thread run beside each other when tasksPerThread allows it', async () => {
  const queue = 'shared';
  const server = await fleet.start({ queues: { [queue]: 1 }, concurrency: 3, tasksPerThread: 3 });
  const started = collect(server, 'started', 3);
  const infos = await client.enqueueMany(
    Array.from({ length: 3 }, () => ({ task: { type: 'wait' }, options: { queue } })),
  );
  const threads = new Set((await started).map((event) => event.threadId));
  assert.equal(threads.size, 1);
  const [one] = infos;
  assert.ok(one?.ok);
  const failed = next(server, 'failed');
  await client.cancel(one.info.id);
  assert.equal((await failed).task.id, one.info.id);
  assert.equal(server.snapshot().active, 2);
});
