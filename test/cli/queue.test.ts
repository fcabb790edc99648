import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client } from '../../src/index.ts';
import { utcDay } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';
import { runHere } from './in-process.ts';
import { runCli } from './process.ts';
import { rowsOf } from './table.ts';

const redis = await useRedis();
const env = { REDIS_URL: redis.url };
const client = new Client({ redis: redis.url });
after(() => client.close());

async function fill(queue: string, tasks: number): Promise<void> {
  await redis.client.flushall();
  for (let i = 0; i < tasks; i += 1) await client.enqueue({ type: 't' }, { queue });
}

test('queue list shows every queue in columns, and as JSON', async () => {
  await fill('low', 2);
  await client.enqueue({ type: 't' }, { queue: 'high', processIn: '1h' });
  await redis.client.set('asynq:{low}:paused', '1');
  const [table, json] = await Promise.all([
    runCli(['queue', 'list'], { env }),
    runCli(['queue', 'ls', '--json'], { env }),
  ]);
  assert.deepEqual([table.code, table.stderr], [0, '']);
  const [head = [], ...rows] = rowsOf(table.stdout);
  assert.deepEqual(head.slice(0, 4), ['QUEUE', 'STATE', 'SIZE', 'PENDING']);
  assert.deepEqual(
    rows.map((row) => row.slice(0, 4)),
    [
      ['high', 'running', '1', '0'],
      ['low', 'paused', '2', '2'],
    ],
  );
  const queues: { queue: string; isPaused: boolean; counts: Record<string, number> }[] = JSON.parse(
    json.stdout,
  );
  assert.deepEqual(
    queues.map(({ queue, isPaused, counts }) => [queue, isPaused, counts['scheduled']]),
    [
      ['high', false, 1],
      ['low', true, 0],
    ],
  );
});

test('queue inspect shows the queues that are there, and ends with 1 for one that is not', async () => {
  await fill('low', 3);
  const { code, stdout, stderr } = await runCli(['queue', 'inspect', 'nope', 'low'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^threadmill: ERR_QUEUE_NOT_FOUND: there is no queue "nope".*\n$/);
  assert.match(stdout, /^low\nstate {2,}running\nsize {2,}3\n {2}pending {2,}3\n/);
  assert.match(stdout, /\nerror rate today {2}0%\n/);
});

test('queue history has a line per day, today first, and refuses a wrong number of days', async () => {
  await fill('low', 1);
  const [today, yesterday] = [utcDay(Date.now()), utcDay(Date.now() - 86_400_000)];
  await redis.client.mset(
    `asynq:{low}:processed:${today}`,
    '1200',
    `asynq:{low}:failed:${today}`,
    '30',
  );
  const [table, wrong] = await Promise.all([
    runCli(['queue', 'history', 'low', '-x', '2'], { env }),
    runHere(['queue', 'history', 'low', '--days', '0'], env),
  ]);
  assert.deepEqual(rowsOf(table.stdout), [
    ['low'],
    ['DAY', 'PROCESSED', 'FAILED', 'ERROR RATE'],
    [today, '1,200', '30', '2.5%'],
    [yesterday, '0', '0', '0%'],
  ]);
  assert.deepEqual(
    [wrong.code, wrong.stderr],
    [2, 'threadmill: one setting is wrong\n  --days is "0", accepts a whole number from 1 to 90\n'],
  );
});

test('queue pause and resume say what they did', async () => {
  await fill('low', 1);
  const paused = await runCli(['queue', 'pause', 'low', 'other'], { env });
  assert.deepEqual([paused.code, paused.stdout], [1, 'paused queue "low"\n']);
  assert.match(paused.stderr, /^threadmill: ERR_QUEUE_NOT_FOUND: there is no queue "other"/);
  assert.equal(await redis.client.exists('asynq:{low}:paused'), 1);
  const resumed = await runCli(['queue', 'unpause', 'low', '--json'], { env });
  assert.deepEqual([resumed.code, resumed.stdout], [0, '{"resumed":["low"]}\n']);
  assert.equal(await redis.client.exists('asynq:{low}:paused'), 0);
});

test('queue remove wants --yes without a terminal, and --force for a queue with tasks', async () => {
  await fill('low', 2);
  const unsure = await runCli(['queue', 'remove', 'low'], { env });
  assert.equal(unsure.code, 2);
  assert.match(unsure.stderr, /^threadmill: Remove 1 queue \("low"\)\? .*pass --yes\n$/);
  const full = await runCli(['queue', 'rm', 'low', '--yes'], { env });
  assert.equal(full.code, 1);
  assert.match(full.stderr, /^threadmill: ERR_QUEUE_NOT_EMPTY: /);
  const forced = await runCli(['queue', 'delete', 'low', '--yes', '-f'], { env });
  assert.deepEqual([forced.code, forced.stdout], [0, 'removed queue "low"\n']);
  assert.equal(await redis.client.sismember('asynq:queues', 'low'), 0);
});

test('stats shows tasks, queues and Redis; its JSON has the keys of asynq', async () => {
  await fill('low', 2);
  const [screen, json] = await Promise.all([
    runCli(['stats'], { env }),
    runCli(['stats', '--json'], { env }),
  ]);
  const rows = rowsOf(screen.stdout);
  assert.deepEqual(rows.slice(0, 3), [
    ['Tasks'],
    ['ACTIVE', 'PENDING', 'AGGREGATING', 'SCHEDULED', 'RETRY', 'ARCHIVED', 'COMPLETED'],
    ['0', '2', '0', '0', '0', '0', '0'],
  ]);
  assert.ok(
    rows.some(([name, state, size]) => name === 'low' && state === 'running' && size === '2'),
  );
  assert.match(screen.stdout, /\nversion {2,}\d+\.\d+/);
  const stats: Record<'aggregate' | 'redis', Record<string, unknown>> & { queues: object[] } =
    JSON.parse(json.stdout);
  assert.deepEqual(Object.keys(stats), ['aggregate', 'queues', 'redis']);
  assert.equal(stats.aggregate['pending'], 2);
  assert.equal(typeof stats.redis['redis_version'], 'string');
  assert.deepEqual(Object.keys(stats.queues[0] ?? {}).sort(), [
    'Active',
    'Aggregating',
    'Archived',
    'Completed',
    'Failed',
    'FailedTotal',
    'Groups',
    'Latency',
    'MemoryUsage',
    'Paused',
    'Pending',
    'Processed',
    'ProcessedTotal',
    'Queue',
    'Retry',
    'Scheduled',
    'Size',
    'Timestamp',
  ]);
});

test('a Redis that is away is one line and code 1', async () => {
  for (const words of [['stats'], ['queue', 'pause', 'a', 'b'], ['task', 'run', 'x']]) {
    const redisUrl = ['--redis-url', 'redis://127.0.0.1:1', '--connect-timeout', '200'];
    const { code, stdout, stderr } = await runHere([...words, ...redisUrl]);
    assert.deepEqual([code, stdout], [1, ''], words.join(' '));
    assert.match(stderr, /^threadmill: ERR_REDIS_UNREACHABLE: [^\n]*\n$/);
  }
});

test('Redis is found by the flags of asynq too', async () => {
  const cases = [
    [['-u', '127.0.0.1:1', '-n', '2', '-p', 's3cret'], 1, 'ERR_REDIS_UNREACHABLE'],
    [['-n', '2'], 2, '--db needs --uri host:port'],
    [['-u', 'h:1', '--redis-url', redis.url], 2, '--uri cannot stand beside --redis-url'],
  ] as const;
  for (const [flags, wanted, text] of cases) {
    const words = ['queue', 'list', '--connect-timeout', '200', ...flags];
    const { code, stderr } = await runHere(words, env);
    assert.equal(code, wanted);
    assert.ok(stderr.includes(text), stderr);
    assert.ok(!stderr.includes('s3cret'));
  }
});
