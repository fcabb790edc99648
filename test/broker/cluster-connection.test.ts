/** The promises of a connection, over three masters that have no replicas. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { type Connection, openConnection, type RedisOption } from '../../src/broker/connection.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { QUEUES } from '../../src/wire/keys.ts';
import { RedisUnreachableError, ReplyLostError } from '../../src/errors.ts';
import { freePort } from '../helpers/free-port.ts';
import { startGivenTime } from '../helpers/given-time.ts';
import { useRedis } from '../helpers/redis.ts';
import { type ClusterNode, useCluster } from '../helpers/redis-cluster.ts';
import { until } from '../helpers/server.ts';

const LIMIT = 1_500;
const closers: (() => Promise<unknown>)[] = [];
// Registered first, so that it runs before the hooks that end the Cluster.
after(() => Promise.all(closers.map((close) => close())));

// The shards that are left go on without the one that is away.
const cluster = await useCluster({
  replicas: false,
  args: ['--cluster-require-full-coverage', 'no'],
});

function open(option: RedisOption = cluster.url, connectTimeoutMs = LIMIT): Connection {
  const connection = openConnection(option, { connectTimeoutMs });
  closers.push(() => connection.close());
  return connection;
}

/** A key of this master. */
function keyOn(master: ClusterNode | undefined): string {
  for (let i = 0; ; i++) if (cluster.masterOf(`key${i}`) === master) return `key${i}`;
}

function set(connection: Connection, key: string): Promise<unknown> {
  return connection.run((redis) => redis.set(key, 'x'), { key });
}

/** How long it took at least, and without what the machine kept it waiting: for lower and for upper bounds. */
async function took(work: () => Promise<unknown>): Promise<{ ms: number; givenMs: number }> {
  const clock = startGivenTime();
  const begin = performance.now();
  await work();
  const times = { ms: performance.now() - begin, givenMs: clock.ms() };
  clock.stop();
  return times;
}

test('calls to one shard made while it is up keep their order', async () => {
  const connection = open();
  await connection.ready();
  const key = keyOn(cluster.masters[1]);
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => connection.run((redis) => redis.rpush(key, i), { key })),
  );
  const list = await connection.run((redis) => redis.lrange(key, 0, -1), { key });
  assert.deepEqual(
    list.map(Number),
    Array.from({ length: 50 }, (_, i) => i),
  );
  await connection.run((redis) => redis.del(key), { key });
});

test('one address is enough, and a call without a key goes to any server', async () => {
  const connection = open(`redis-cluster://127.0.0.1:1,127.0.0.1:${cluster.masters[2]?.port}`);
  assert.equal(await connection.run((redis) => redis.ping()), 'PONG');
  for (const master of cluster.masters) await set(connection, keyOn(master));
});

test('a command on its way when its master died is told as such, and never sent again', async () => {
  const [victim] = cluster.masters;
  assert.ok(victim !== undefined);
  const connection = open(cluster.url, 5_000);
  await connection.ready();
  process.kill(victim.redis.pid, 'SIGSTOP');
  const key = keyOn(victim);
  const lost = assert.rejects(
    connection.run((redis) => redis.set(`{${key}}lost`, 'x'), { key }),
    ReplyLostError,
  );
  await new Promise(setImmediate); // now it is written to the socket
  await victim.redis.kill();
  await lost;
  await victim.redis.restart();
  await connection.ready();
  assert.equal(await connection.run((redis) => redis.exists(`{${key}}lost`), { key }), 0);
});

test('a master that hangs is told as such in time, and heals', async () => {
  const [victim] = cluster.masters;
  assert.ok(victim !== undefined);
  const connection = open(cluster.url, 500);
  await connection.ready();
  process.kill(victim.redis.pid, 'SIGSTOP');
  const { givenMs } = await took(() =>
    assert.rejects(set(connection, keyOn(victim)), ReplyLostError),
  );
  assert.ok(givenMs < 1_500, `${givenMs} ms`);
  await until(() => !connection.isUp());
  process.kill(victim.redis.pid, 'SIGCONT');
  await until(() => connection.isUp());
  await set(connection, keyOn(victim));
});

test('a shard that is away is waited for once, holds up no other, and is back by itself', async () => {
  const [victim, healthy] = cluster.masters;
  assert.ok(victim !== undefined);
  const connection = open();
  await connection.ready();
  const changes: boolean[] = [];
  connection.onState((isUp) => changes.push(isUp));
  await victim.redis.kill();
  await until(() => !connection.isUp());
  const gone = (): Promise<void> =>
    assert.rejects(set(connection, keyOn(victim)), RedisUnreachableError);
  const [first, others] = await Promise.all([
    took(gone),
    took(() => set(connection, keyOn(healthy))),
  ]);
  assert.ok(first.ms > LIMIT * 0.8 && first.givenMs < LIMIT * 2, inspect(first));
  assert.ok(others.givenMs < LIMIT / 2, inspect(others));
  await new Promise((resolve) => setTimeout(resolve, LIMIT / 2)); // longer than it was waited for
  const again = await took(gone);
  assert.ok(again.givenMs < LIMIT / 2, inspect(again));
  await victim.redis.restart();
  await connection.ready();
  // A server that was away serves nobody before the others know that it is back.
  await until(() =>
    set(connection, keyOn(victim)).then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(changes, [false, true]);
});

test('while the names of the queues cannot be written, nothing is enqueued on another shard', async () => {
  const victim = cluster.masterOf(QUEUES);
  const healthy = cluster.masters.find((master) => master !== victim);
  const queue = keyOn(healthy);
  const broker = createRedisBroker({ redis: cluster.url, connectTimeoutMs: 2_000 });
  closers.push(() => broker.close());
  await broker.enqueue(queue, [{ taskId: 'before', message: Buffer.from('x') }]);
  await victim.redis.kill();
  await until(() => !broker.isConnected());
  const entry = { taskId: 'not-stored', message: Buffer.from('x') };
  await assert.rejects(broker.enqueue(queue, [entry]), RedisUnreachableError);
  assert.equal(await broker.getTask(queue, 'not-stored'), undefined);
  assert.equal((await broker.getTask(queue, 'before'))?.state, 'pending');
  await victim.redis.restart();
});

test('a subscription goes to another server when its own dies', async () => {
  const [victim] = cluster.masters;
  assert.ok(victim !== undefined);
  const connection = open();
  await connection.ready();
  const duplicates = Array.from({ length: 3 }, () => connection.duplicate());
  closers.push(...duplicates.map((each) => () => each.close()));
  const subscriber = duplicates.find(({ address }) => address.endsWith(`:${victim.port}`));
  assert.ok(subscriber !== undefined, 'they take turns');
  const heard: string[] = [];
  const subscribe = (): Promise<unknown> =>
    subscriber.run(async (redis) => {
      redis.on('message', (_channel, text) => heard.push(text));
      await redis.subscribe('news');
    });
  await subscribe();
  await victim.redis.kill();
  await until(() => !subscriber.isUp());
  await subscriber.ready();
  await subscribe();
  await connection.run((redis) => redis.publish('news', 'x'));
  await until(() => heard.includes('x'));
  await victim.redis.restart();
});

test('a Cluster that is not there is unreachable in time, and not asked in a hot loop', async () => {
  let attempts = 0;
  const server = createServer((socket) => {
    attempts += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const connection = open(`redis-cluster://user:hunter2@127.0.0.1:${address.port}`, 1_000);
  let error: unknown;
  const { givenMs } = await took(async () => {
    error = await set(connection, 'x').catch((reason: unknown) => reason);
  });
  assert.ok(givenMs < 4_000, `${givenMs} ms`);
  assert.ok(error instanceof RedisUnreachableError);
  assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /hunter2/);
  assert.ok(attempts >= 2 && attempts <= 12, `${attempts} attempts in a second`);
});

test('a server that belongs to no Cluster is refused with its own words', async () => {
  const port = await freePort();
  await useRedis({ args: ['--port', `${port}`, '--bind', '127.0.0.1'] });
  await assert.rejects(
    set(open(`redis-cluster://127.0.0.1:${port}`, 500), 'x'),
    (error) =>
      error instanceof RedisUnreachableError && /cluster support/.test(inspect(error.cause)),
  );
});

test('a call that waits ends when the connection is closed', async () => {
  const connection = open('redis-cluster://127.0.0.1:1', 60_000);
  const waiting = assert.rejects(set(connection, 'x'), RedisUnreachableError);
  await connection.close();
  await waiting;
  await assert.rejects(set(connection, 'x'), RedisUnreachableError);
  await assert.rejects(connection.ready(), RedisUnreachableError);
});
