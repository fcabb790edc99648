/** A real Cluster of three masters with replicas: nobody is restarted when a master dies. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Cluster } from 'ioredis';
import { openConnection } from '../../src/broker/connection.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { Client, observe, Server, TaskIdConflictError } from '../../src/index.ts';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { useCluster } from '../helpers/redis-cluster.ts';
import { collect, next, recordingLogger, until } from '../helpers/server.ts';

/**
 * What hangs ends after so long. The servers of the Cluster vote a new master in, and an election that comes to nothing,
 * as those that vote are kept waiting, is repeated only after many times `cluster-node-timeout`.
 */
const FAILOVER_MS = 180_000;

const closers: (() => Promise<unknown>)[] = [];
// Registered first, so that it runs before the hooks that end the Cluster.
after(() => Promise.all(closers.map((close) => close())));

const cluster = await useCluster();
const { logger, records } = recordingLogger();
const client = new Client({ redis: cluster.url });
/** One queue per shard. */
const queues = cluster.masters.map(queueOn);
const server = new Server({
  redis: cluster.url,
  handlers: fixture('acts'),
  queues,
  concurrency: 2,
  logger,
  pollInterval: 20,
  forwardInterval: 100,
  cancelGrace: 300,
  shutdownTimeout: 1_000,
});
closers.push(
  () => server.shutdown(),
  () => client.close(),
);
const { url, close } = await observe(server, { port: 0 });
closers.push(close);
await server.start();

/** A queue whose keys are on this master. */
function queueOn(master: (typeof cluster.masters)[number]): string {
  for (let i = 0; ; i++) {
    if (cluster.masterOf(queueKeys(`q${i}`).pending) === master) return `q${i}`;
  }
}

/** Enqueues as a patient caller does: again with the same ID when the answer was not clear. */
async function enqueueForSure(queue: string, taskId: string): Promise<void> {
  await until(async () => {
    const [result] = await client.enqueueMany([
      { task: { type: 'ok' }, options: { queue, taskId, retention: '1h' } },
    ]);
    return result?.ok === true || result?.error instanceof TaskIdConflictError;
  }, FAILOVER_MS);
}

async function isCompleted(queue: string, id: string): Promise<boolean> {
  return (await client.getTask({ id, queue }))?.state === 'completed';
}

test('tasks of every shard are run', async () => {
  const ended = collect(server, 'succeeded', 30);
  for (const queue of queues) {
    const requests = Array.from({ length: 10 }, () => ({
      task: { type: 'ok' },
      options: { queue },
    }));
    assert.ok((await client.enqueueMany(requests)).every(({ ok }) => ok));
  }
  const seen = new Set((await ended).map(({ task }) => task.queue));
  assert.deepEqual(seen, new Set(queues));
});

test('a running task is canceled, whichever shard it is on', async () => {
  for (const queue of queues) {
    const began = next(server, 'started', ({ task }) => task.queue === queue);
    const { id } = await client.enqueue({ type: 'wait' }, { queue, maxRetry: 0 });
    await began;
    const failed = next(server, 'failed', ({ task }) => task.id === id);
    assert.equal(await client.cancel(id), 1);
    assert.equal((await failed).task.queue, queue);
  }
});

test('queues and their figures are read over all shards', async () => {
  const broker = createRedisBroker({ redis: cluster.url, connectTimeoutMs: 5_000 });
  closers.push(() => broker.close());
  assert.deepEqual(await broker.queues(), [...queues].sort());
  for (const queue of queues) assert.equal((await broker.queueInfo(queue)).processedTotal, 11);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const queue of queues) {
    assert.match(metrics, new RegExp(`^asynq_tasks_processed_total{queue="${queue}"} 11$`, 'm'));
  }
});

test('nothing is logged about what a Cluster cannot do', () => {
  const faults = records.filter(({ msg }) => msg === 'fault in the background');
  assert.deepEqual(faults, []);
});

test('an ioredis Cluster is taken as it is and stays open', async () => {
  const [first] = cluster.masters;
  const instance = new Cluster([`127.0.0.1:${first?.port}`], { redisOptions: { protocol: 2 } });
  after(() => instance.disconnect());
  const other = new Client({ redis: instance, connectTimeout: 20_000 });
  closers.push(() => other.close()); // also where the test fails: else the file would hang
  const ended = next(server, 'succeeded');
  await other.enqueue({ type: 'ok' }, { queue: queues[2] ?? '' });
  await ended;
  await other.close();
  assert.equal(await instance.exists('x'), 0);
});

test('a script that a master has forgotten is sent in full', async () => {
  for (const { redis } of cluster.masters) await redis.client.script('FLUSH');
  const ended = collect(server, 'succeeded', queues.length);
  for (const queue of queues) await client.enqueue({ type: 'ok' }, { queue });
  await ended;
});

test('a queue may move to another shard while it is used', async () => {
  const queue = 'moving';
  const { pending, lease } = queueKeys(queue);
  const from = cluster.masterOf(pending);
  const to = cluster.masters.find((master) => master !== from);
  assert.ok(to !== undefined);
  const broker = createRedisBroker({ redis: cluster.url, connectTimeoutMs: 20_000 });
  closers.push(() => broker.close());
  const slot = await from.redis.client.cluster('KEYSLOT', pending);
  await to.redis.client.script('FLUSH');
  await to.redis.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
  await from.redis.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
  // What has one key is asked of the server to which the slot is on its way.
  assert.equal(await broker.expireCompleted(queue), 0);
  const connection = openConnection(cluster.url, { connectTimeoutMs: 20_000 });
  closers.push(() => connection.close());
  await connection.run((redis) => redis.zadd(lease, 1, 'y'), { key: lease });
  // What has several is refused by both until the slot has moved.
  const entry = { taskId: 'moved', message: Buffer.from('x') };
  const enqueued = broker.enqueue(queue, [entry]);
  await to.redis.client.cluster('SETSLOT', slot, 'NODE', to.id);
  await from.redis.client.cluster('SETSLOT', slot, 'NODE', to.id);
  assert.equal((await enqueued)[0]?.status, 'pending');
  assert.deepEqual(await to.redis.client.zrange(lease, 0, '-1'), ['y']);
  assert.deepEqual(await to.redis.client.lrange(pending, 0, -1), ['moved']);
});

test('a master that dies is replaced, and nobody is restarted', async () => {
  const victim = cluster.masterOf(QUEUES); // the one that also has the names of the queues
  const lost = queues.find((queue) => cluster.masterOf(queueKeys(queue).pending) === victim) ?? '';
  const down = next(server, 'redis', ({ isUp }) => !isUp);
  const up = next(server, 'redis', ({ isUp }) => isUp);
  const ran = until(() => isCompleted(lost, `after-${lost}`).catch(() => false), FAILOVER_MS);
  await victim.redis.kill('SIGKILL');
  await down;
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  await Promise.all(queues.map((queue) => enqueueForSure(queue, `after-${queue}`)));
  await Promise.all([ran, up]);
  await Promise.all(
    queues.map((queue) => until(() => isCompleted(queue, `after-${queue}`), FAILOVER_MS)),
  );
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  const said = records.filter(
    ({ level, msg }) => level >= 30 && /^Redis is (not )?reachable/.test(msg),
  );
  assert.equal(said.length, 2, 'once per change');
});
