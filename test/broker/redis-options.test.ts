import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Cluster, type ClusterNode, Redis, type RedisOptions } from 'ioredis';
import type { Broker } from '../../src/broker/broker.ts';
import { openConnection, type RedisOption } from '../../src/broker/connection.ts';
import { readCluster } from '../../src/broker/redis-options.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { InvalidOptionsError, RedisUnreachableError } from '../../src/errors.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const LIMIT = 2000;

function open(option: RedisOption, connectTimeoutMs = LIMIT): Broker {
  const broker = createRedisBroker({ redis: option, connectTimeoutMs });
  after(() => broker.close());
  return broker;
}

const broken: readonly RedisOptions[] = [
  { keyPrefix: 'app:' },
  { replyMapping: 'resp3' },
  { stringNumbers: true },
  { role: 'slave' },
  { readOnly: true },
  { monitor: true },
  { enableAutoPipelining: true },
];
for (const options of broken) {
  const [name = ''] = Object.keys(options);
  const isRefused = (error: unknown): boolean =>
    error instanceof InvalidOptionsError && error.issues[0]?.name === `redis.${name}`;

  test(`the ioredis option ${name} is refused`, () => {
    assert.throws(() => openConnection(options, { connectTimeoutMs: LIMIT }), isRefused);
  });

  test(`an ioredis instance with ${name} is refused`, () => {
    const instance = new Redis({ ...options, lazyConnect: true, replyMapping: 'legacy' });
    instance.options.replyMapping = options.replyMapping;
    assert.throws(() => openConnection(instance, { connectTimeoutMs: LIMIT }), isRefused);
    instance.disconnect();
  });
}

test('all refused options are listed at once', () => {
  const all = Object.assign({}, ...broken) as RedisOptions;
  assert.throws(
    () => openConnection(all, { connectTimeoutMs: LIMIT }),
    (error) => error instanceof InvalidOptionsError && error.issues.length === broken.length,
  );
});

test('options that matter to no reply are accepted', async () => {
  const broker = open({
    path: redis.socket,
    enableReadyCheck: false,
    maxRetriesPerRequest: null,
    enableOfflineQueue: true,
    retryStrategy: null,
    connectionName: 'mill',
    stringNumbers: false,
    keyPrefix: '',
    protocol: 3,
  });
  await broker.ping();
  assert.match(String(await redis.client.client('LIST')), /name=mill/);
});

const startups: readonly (readonly [ClusterNode[], object])[] = [
  [[7000], { seeds: ['127.0.0.1:7000'], options: { port: 7000 } }],
  [
    [{ host: 'h1', port: 7000 }, { host: 'h2' }],
    { seeds: ['h1:7000', 'h2:6379'], options: { host: 'h1', port: 7000 } },
  ],
  [
    ['rediss://user:p%40w@h1:7000', 'h2:7001'],
    {
      seeds: ['h1:7000', 'h2:7001'],
      options: { host: 'h1', port: 7000, username: 'user', password: 'p@w', tls: {} },
    },
  ],
];
for (const [nodes, target] of startups) {
  test(`an ioredis Cluster at ${JSON.stringify(nodes)} is read`, () => {
    const cluster = new Cluster(nodes, { lazyConnect: true });
    assert.deepEqual(readCluster(cluster), target);
    cluster.disconnect();
  });
}

test('an ioredis Cluster keeps its login and its map of addresses', () => {
  const natMap = { '10.0.0.1:6379': { host: 'h1', port: 7000 } };
  const redisOptions = { username: 'user', password: 'pw' };
  const cluster = new Cluster([7000], { lazyConnect: true, natMap, redisOptions });
  const { options, natMap: read } = readCluster(cluster);
  assert.deepEqual(options, { port: 7000, ...redisOptions });
  assert.equal(read, natMap);
  cluster.disconnect();
});

for (const options of [{ keyPrefix: 'app:' }, { redisOptions: { stringNumbers: true } }]) {
  test(`an ioredis Cluster with ${JSON.stringify(options)} is refused`, () => {
    const cluster = new Cluster([7000], { lazyConnect: true, ...options });
    assert.throws(() => openConnection(cluster, { connectTimeoutMs: LIMIT }), InvalidOptionsError);
    cluster.disconnect();
  });
}

test('an ioredis Cluster without an address is refused', () => {
  const cluster = new Cluster([], { lazyConnect: true });
  assert.throws(() => openConnection(cluster, { connectTimeoutMs: LIMIT }), /at least one address/);
  cluster.disconnect();
});

test("a caller's instance is used as it is and stays open after close()", async () => {
  const instance = new Redis(redis.socket);
  const listeners = instance.listenerCount('error');
  const broker = open(instance);
  await broker.ping();
  const stop = await broker.subscribeCancel(() => undefined);
  await stop();
  await broker.close();
  assert.equal(await instance.ping(), 'PONG');
  assert.equal(instance.listenerCount('error'), listeners);
  assert.equal(instance.mode, 'normal');
  await assert.rejects(broker.ping(), RedisUnreachableError);
  instance.disconnect();
});

test("a caller's lazy instance is connected by the first call", async () => {
  const instance = new Redis(redis.socket, { lazyConnect: true });
  await open(instance).ping();
  assert.equal(instance.status, 'ready');
  instance.disconnect();
});

test("a caller's instance that was closed is unreachable at once", async () => {
  const instance = new Redis(redis.socket);
  await instance.ping();
  const ended = once(instance, 'end');
  await instance.quit();
  await ended;
  const broker = open(instance, 60_000);
  await assert.rejects(broker.ping(), RedisUnreachableError);
});
