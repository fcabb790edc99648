/** The rights that the README gives suffice for clients and servers, over every form of URL, and none is given in vain. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { Client, Inspector, observe, Scheduler, Server } from '../../src/index.ts';
import { snippets } from '../docs/readme.ts';
import { freePort } from '../helpers/free-port.ts';
import { fixture, packageRoot } from '../helpers/paths.ts';
import { type TestRedis, useRedis } from '../helpers/redis.ts';
import { useCluster } from '../helpers/redis-cluster.ts';
import { MASTER, useSentinels } from '../helpers/redis-sentinel.ts';
import { next, recordingLogger, until } from '../helpers/server.ts';

const closers: (() => Promise<unknown>)[] = [];
// Registered first, so that it runs before the hooks that end the servers.
after(() => Promise.all(closers.map((close) => close())));

/** `threadmill`, `on`, `>secret` and the rights, as the README has them. */
const [, NAME = '', ...RULES] =
  snippets
    .find(({ how }) => how === 'acl')
    ?.text.trim()
    .split(/\s+/) ?? [];
const SECRET = RULES.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
const LOGIN = `${NAME}:${SECRET}@`;
const COMMANDS = RULES.filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1));
const used = new Set<string>();

/** Gives the user its rights and closes the server to everybody else. */
async function guard(redis: TestRedis, more: readonly string[] = []): Promise<void> {
  await redis.client.call('ACL', 'SETUSER', NAME, ...RULES, ...more);
  await redis.client.call('CONFIG', 'RESETSTAT');
  await redis.client.call('ACL', 'SETUSER', 'default', 'off'); // our own connection is in already
}

/** What was refused, and beside it what was used. */
async function refusals(redis: TestRedis): Promise<string[]> {
  const stats = await redis.client.info('commandstats');
  for (const [, name = ''] of stats.matchAll(/^cmdstat_([^:]+):/gm)) used.add(name);
  const entries = (await redis.client.call('ACL', 'LOG')) as unknown[][];
  const texts = entries.map((entry) => String(entry));
  return texts.filter((text) => !/setinfo/i.test(text)); // ioredis asks for that and does without
}

/** Does what clients and servers do. */
async function exercise(url: string): Promise<void> {
  const client = new Client({ redis: url });
  const { logger, records } = recordingLogger();
  const server = new Server({
    redis: url,
    handlers: [fixture('acts'), fixture('aggregators')],
    groupGracePeriod: 1_000,
    logger,
    pollInterval: 20,
    forwardInterval: 10,
    janitorInterval: 100,
    recoverInterval: 100,
    heartbeatInterval: 100,
    cancelGrace: 300,
    shutdownTimeout: 1_000,
    retryDelay: () => 1,
  });
  const observed = await observe(server, { port: 0 });
  closers.push(
    observed.close,
    () => server.shutdown(),
    () => client.close(),
  );
  await server.start();

  const large = 'x'.repeat(200_000); // goes another way than small payloads
  const kept = await client.enqueue({ type: 'ok', payload: { large } }, { retention: 1_000 });
  await until(async () => (await client.getTask(kept))?.state === 'completed');
  const retried = next(server, 'succeeded', ({ task }) => task.type === 'fail-once');
  await client.enqueue({ type: 'fail-once' }, { processIn: 1 });
  await retried;
  const archived = next(server, 'archived');
  await client.enqueue({ type: 'fail' }, { maxRetry: 0 });
  await archived;
  const began = next(server, 'started', ({ task }) => task.type === 'wait');
  const { id } = await client.enqueue({ type: 'wait' }, { maxRetry: 0 });
  await began;
  const canceled = next(server, 'archived', ({ task }) => task.id === id);
  assert.equal(await client.cancel(id), 1);
  await canceled;
  const together = next(server, 'succeeded', ({ task }) => task.type === 'ok');
  await client.enqueue({ type: 'item', payload: ['text'] }, { group: 'join:acl' });
  await together;
  const metrics = await (await fetch(`${observed.url}/metrics`)).text();
  assert.match(metrics, /^asynq_tasks_processed_total{queue="default"} 6$/m);
  await until(async () => (await client.getTask(kept)) === undefined); // the janitor came by
  await inspect(url, kept.queue);
  await server.shutdown();
  const task = { type: 'tick' };
  const scheduler = new Scheduler({ redis: url, entries: [{ spec: '@every 1s', task }], logger });
  closers.push(() => scheduler.stop());
  const ticked = new Promise((resolve) => scheduler.on('enqueued', resolve));
  await scheduler.start();
  await ticked;
  await scheduler.stop();
  assert.deepEqual(
    records.filter(({ msg }) => msg === 'fault in the background'),
    [],
  );
}

/** Does what operators do. */
async function inspect(url: string, queue: string): Promise<void> {
  const inspector = new Inspector({ redis: url });
  closers.push(() => inspector.close());
  assert.deepEqual(await inspector.queues(), [queue]);
  assert.equal((await inspector.queueInfo(queue)).counts.archived, 2);
  assert.equal((await inspector.history(queue, 1)).length, 1);
  assert.equal((await inspector.servers()).length, 1);
  assert.deepEqual(await inspector.scheduleEntries(), []);
  assert.deepEqual(await inspector.scheduleEvents('nobody'), []);
  assert.deepEqual(await inspector.groups(queue), []);
  const { tasks } = await inspector.listTasks({ queue, state: 'archived' });
  assert.equal(tasks.length, 2);
  await inspector.pause(queue);
  const [first, second] = tasks.map(({ id }) => id);
  await inspector.run({ queue, id: first ?? '' });
  await inspector.archive({ queue, state: 'pending', filter: { type: '*' } });
  await inspector.delete({ queue, ids: [second ?? ''] });
  await inspector.cancel({ queue, state: 'active' });
  await inspector.resume(queue);
  await inspector.removeQueue(queue, { force: true });
}

test('over TCP and over the unix socket', async () => {
  const port = await freePort();
  const redis = await useRedis({ args: ['--port', `${port}`, '--bind', '127.0.0.1'] });
  await guard(redis, ['+select']);
  await exercise(`redis-socket://${LOGIN}${redis.socket}?db=1`);
  await exercise(`redis://${LOGIN}127.0.0.1:${port}`);
  assert.deepEqual(await refusals(redis), []);
});

test('through Sentinel, with a user of its own there', async () => {
  const rights = '&+switch-master +subscribe +sentinel|get-master-addr-by-name +sentinel|sentinels';
  const sentinels = await useSentinels({ sentinelLines: [`user watcher on >look ${rights}`] });
  for (const redis of [sentinels.master, sentinels.replica]) await guard(redis);
  for (const host of sentinels.hosts) {
    const admin = new Redis(`redis://${host}`, { replyMapping: 'legacy' });
    await admin.call('ACL', 'SETUSER', 'default', 'off');
    admin.disconnect();
  }
  const hosts = sentinels.hosts.join(',');
  const login = `username=${NAME}&password=${SECRET}`;
  await exercise(`redis-sentinel://watcher:look@${hosts}?master=${MASTER}&${login}`);
  assert.deepEqual(await refusals(sentinels.master), []);
});

test('in a Cluster', async () => {
  const cluster = await useCluster({ replicas: false });
  for (const { redis } of cluster.masters) await guard(redis, ['+cluster|slots', '+asking']);
  await exercise(cluster.url.replace('//', `//${LOGIN}`));
  for (const { redis } of cluster.masters) assert.deepEqual(await refusals(redis), []);
});

test('every command of a script is among the rights, and no right is given that is never used', () => {
  const folder = join(packageRoot, 'src', 'broker', 'lua');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((name) => name.endsWith('.lua'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const calls = sources
    .flatMap((source) => [...source.matchAll(/redis\.p?call\(\s*'(\w+)'(?:, '(USAGE)')?/g)])
    .map(([, name = '', sub]) => (sub === undefined ? name : `${name}|${sub}`).toLowerCase());
  assert.ok(calls.length > 50);
  assert.deepEqual(
    [...new Set(calls)].filter((name) => !COMMANDS.includes(name)),
    [],
  );
  const known = new Set([...calls, ...used]);
  assert.deepEqual(
    COMMANDS.filter((name) => !known.has(name)),
    [],
  );
});
