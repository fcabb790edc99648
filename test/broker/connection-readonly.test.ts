/** Behind an address that led to a master there may be a replica now, and the master elsewhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { after, beforeEach, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Broker } from '../../src/broker/broker.ts';
import type { RedisOption } from '../../src/broker/connection.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisReplyError } from '../../src/errors.ts';
import { useRedis } from '../helpers/redis.ts';
import { message, QUEUE } from './tasks.ts';

const former = await useRedis();
const master = await useRedis();
const address = await movingAddress();

/** An address that new connections follow to wherever it leads, as a name or a proxy does. */
async function movingAddress(): Promise<{ port: number; target: string; connections: number }> {
  const where = { port: 0, target: former.socket, connections: 0 };
  const server = createServer((client) => {
    where.connections += 1;
    const redis = createConnection(where.target);
    for (const end of [client, redis]) end.on('error', () => end.destroy());
    client.pipe(redis).pipe(client);
    client.on('close', () => redis.destroy());
    redis.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  where.port = bound.port;
  return where;
}

function open(option: RedisOption): Broker {
  const broker = createRedisBroker({ redis: option, connectTimeoutMs: 5_000 });
  after(() => broker.close());
  return broker;
}

function change(broker: Broker, isUp: boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = broker.onConnectionChange((now) => {
      if (now !== isUp) return;
      stop();
      resolve();
    });
  });
}

function enqueue(broker: Broker, taskId: string): Promise<unknown> {
  return broker.enqueue(QUEUE, [{ taskId, message: message(taskId) }]);
}

beforeEach(async () => {
  await former.client.replicaof('NO', 'ONE');
  await former.client.config('SET', 'replica-serve-stale-data', 'yes');
  address.target = former.socket;
});

for (const kind of ['a connection of our own', "a caller's instance"] as const) {
  test(`${kind} that meets READONLY finds the new master, and sends nothing twice`, async () => {
    const instance = new Redis(address.port, '127.0.0.1', { replyMapping: 'legacy' });
    after(() => instance.disconnect());
    await once(instance, 'ready');
    const isOwn = kind === 'a connection of our own';
    const broker = open(isOwn ? `redis://127.0.0.1:${address.port}` : instance);
    await broker.ping();
    await former.client.replicaof('127.0.0.1', 1);
    address.target = master.socket;
    const { connections } = address;
    const back = change(broker, false).then(() => change(broker, true));
    const results = await Promise.allSettled([1, 2, 3].map((n) => enqueue(broker, `${kind} ${n}`)));
    for (const result of results) {
      assert.ok(result.status === 'rejected' && result.reason instanceof RedisReplyError);
      assert.match(result.reason.reply, /READONLY/);
    }
    await back;
    await enqueue(broker, kind);
    assert.equal(address.connections, connections + 1);
    assert.deepEqual(await master.client.lrange(`asynq:{${QUEUE}}:pending`, 0, -1), [kind]);
    await master.client.flushall();
  });
}

test('a replica that must not serve stale data is left in the same way', async () => {
  const broker = open(`redis://127.0.0.1:${address.port}`);
  await broker.ping();
  await former.client.config('SET', 'replica-serve-stale-data', 'no');
  await former.client.replicaof('127.0.0.1', 1);
  address.target = master.socket;
  const back = change(broker, false).then(() => change(broker, true));
  await assert.rejects(broker.queues(), /MASTERDOWN/);
  await back;
  assert.deepEqual(await broker.queues(), []);
});

test('a server that stays a replica is not left in a hot loop', async () => {
  const broker = open(`redis://127.0.0.1:${address.port}`);
  await broker.ping();
  await former.client.replicaof('127.0.0.1', 1);
  const { connections } = address;
  const end = performance.now() + 2_000;
  while (performance.now() < end) await assert.rejects(enqueue(broker, 'A'));
  const made = address.connections - connections;
  assert.ok(made >= 1 && made <= 4, `${made} connections in two seconds`);
});

test('a server that is master again before it was left is kept', async () => {
  const broker = open(`redis://127.0.0.1:${address.port}`);
  await broker.ping();
  const stop = broker.onConnectionChange(() => assert.fail('it was left'));
  await former.client.replicaof('127.0.0.1', 1);
  await assert.rejects(enqueue(broker, 'A'), RedisReplyError);
  await former.client.replicaof('NO', 'ONE');
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // twice the pause before it is left
  await broker.ping();
  stop();
});
