/** A real master with a replica and three sentinels: nobody is restarted when the master dies or is demoted. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../src/broker/redis-url.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { Client, RedisUnreachableError, Server } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { MASTER, useSentinels } from '../helpers/redis-sentinel.ts';
import { next, recordingLogger, until } from '../helpers/server.ts';

const closers: (() => Promise<unknown>)[] = [];
// Registered first, so that it runs before the hooks that end the servers.
after(() => Promise.all(closers.map((close) => close())));

const sentinels = await useSentinels({
  args: ['--requirepass', 'data-word', '--masterauth', 'data-word'],
  client: { password: 'data-word' },
  sentinelLines: [`sentinel auth-pass ${MASTER} data-word`, 'requirepass watch-word'],
  sentinelPassword: 'watch-word',
});
const url = `${sentinels.url.replace('//', '//:watch-word@')}&password=data-word`;
const { logger, records } = recordingLogger();
const client = new Client({ redis: url });
const server = new Server({
  redis: url,
  handlers: fixture('acts'),
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
await server.start();

/** Enqueues as a patient caller does: again with the same ID when the answer was not clear. */
async function enqueueForSure(taskId: string): Promise<void> {
  await until(async () => {
    const [result] = await client.enqueueMany([
      { task: { type: 'ok' }, options: { taskId, retention: '1h' } },
    ]);
    return result?.ok === true || /already/.test(String(result?.error));
  }, 40_000);
}

function said(pattern: RegExp): number {
  return records.filter(({ level, msg }) => level >= 30 && pattern.test(msg)).length;
}

test('ioredis options and an instance with sentinels are taken too', async () => {
  const options = parseRedisUrl(url);
  const instance = new Redis({ ...options, replyMapping: 'legacy' });
  after(() => instance.disconnect());
  for (const redis of [options, instance]) {
    const broker = createRedisBroker({ redis, connectTimeoutMs: 5_000 });
    assert.equal((await broker.check()).product, 'redis');
    await broker.close();
  }
});

test('a wrong password of the sentinels is told', async () => {
  const wrong = createRedisBroker({
    redis: url.replace('watch-word', 'other'),
    connectTimeoutMs: 3_000,
  });
  closers.push(() => wrong.close());
  await assert.rejects(
    () => wrong.ping(),
    (error) =>
      error instanceof RedisUnreachableError && /WRONGPASS|NOAUTH/.test(String(error.cause)),
  );
});

test('a sentinel that hangs does not keep anybody from asking the next', async (t) => {
  sentinels.signal(0, 'SIGSTOP');
  t.after(() => sentinels.signal(0, 'SIGCONT'));
  const broker = createRedisBroker({ redis: url, connectTimeoutMs: 5_000 });
  closers.push(() => broker.close());
  await broker.ping();
});

test('a master that is demoted is left for the new one', async () => {
  const up = next(server, 'redis', ({ isUp }) => isUp);
  const sentinel = new Redis(`redis://:watch-word@${sentinels.hosts[0]}`, {
    replyMapping: 'legacy',
  });
  await sentinel.call('SENTINEL', 'FAILOVER', MASTER);
  sentinel.disconnect();
  await up;
  await enqueueForSure('demoted');
  // It was left before anybody told it: a sentinel does so after eight seconds.
  assert.match(await sentinels.master.client.info('replication'), /role:master/);
  const { client: heir } = sentinels.replica;
  assert.match(await heir.info('replication'), /role:master/);
  await until(
    async () => (await heir.hget(queueKeys('default').task('demoted'), 'state')) === 'completed',
  );
});

test('when the master dies, server and client go on with its replica, and nobody is restarted', async () => {
  await enqueueForSure('before');
  await until(
    async () => (await client.getTask({ id: 'before', queue: 'default' }))?.state === 'completed',
  );
  // The one that was demoted follows by now, so that it can be promoted again.
  await until(
    async () =>
      (await sentinels.master.client.info('replication')).includes('master_link_status:up'),
    20_000,
  );
  // Replication is asynchronous: what only the dead master knew would be lost, whoever asks.
  assert.equal(await sentinels.replica.client.call('WAIT', 1, 5_000), 1);
  const down = next(server, 'redis', ({ isUp }) => !isUp);
  const up = next(server, 'redis', ({ isUp }) => isUp);
  await sentinels.replica.kill('SIGKILL');
  await down;
  await enqueueForSure('after');
  await up;
  const state = async (id: string): Promise<string | undefined> =>
    (await client.getTask({ id, queue: 'default' }).catch(() => undefined))?.state;
  await until(async () => (await state('after')) === 'completed', 20_000);
  assert.equal(await state('before'), 'completed');
  const began = next(server, 'started');
  const { id } = await client.enqueue({ type: 'wait' }, { maxRetry: 0 });
  await began;
  const failed = next(server, 'failed', ({ task }) => task.id === id);
  assert.equal(await client.cancel(id), 1);
  await failed;
  // Once per change: two failovers.
  assert.deepEqual([said(/^Redis is not reachable/), said(/^Redis is reachable/)], [2, 2]);
});
