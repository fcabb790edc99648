import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCHEDULERS, schedulerHistoryKey, schedulerKey } from '../../src/wire/keys.ts';
import {
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from '../../src/wire/scheduler-entry.ts';
import { encodeServerInfo } from '../../src/wire/server-info.ts';
import { useBroker } from '../broker/tasks.ts';
import { runHere } from './in-process.ts';
import { runCli } from './process.ts';
import { rowsOf } from './table.ts';

const { broker, client, redis, seed } = await useBroker();
const env = { REDIS_URL: redis.url };

test('server list shows who runs, how busy, and since when', async () => {
  await seed({});
  const none = await runCli(['server', 'list'], { env });
  assert.deepEqual([none.code, none.stdout], [0, 'no servers\n']);
  const info = encodeServerInfo({
    host: 'evil\u001b[31m',
    pid: 7,
    serverId: 'uuid',
    concurrency: 4,
    queues: { low: 1, critical: 6 },
    strictPriority: true,
    status: 'active',
    startTimeMs: Date.now() - 864_000_000,
    activeWorkerCount: 0,
  });
  await broker.announce({ address: 'h:7:uuid', info, workers: [], ttlSeconds: 60 });
  const { code, stdout } = await runCli(['server', 'ls'], { env });
  assert.equal(code, 0);
  assert.deepEqual(rowsOf(stdout), [
    ['HOST', 'PID', 'STATE', 'BUSY', 'QUEUES', 'STARTED'],
    ['evil\\u{1b}[31m', '7', 'active', '0/4', 'critical=6,low=1 (strict)', '10d ago'],
  ]);
  const json = await runCli(['server', 'list', '--json'], { env });
  const [server]: { id: string; workers: unknown[] }[] = JSON.parse(json.stdout);
  assert.deepEqual([server?.id, server?.workers], ['uuid', []]);
});

test('group list shows the groups of a queue with their sizes', async () => {
  await seed({ groups: ['b', 'a'], group: { a: { x: 1, y: 2 }, b: { z: 1 } } });
  await client.sadd('asynq:queues', 'q');
  const { stdout } = await runCli(['group', 'list', '-q', 'q'], { env });
  assert.deepEqual(rowsOf(stdout), [
    ['GROUP', 'TASKS'],
    ['a', '2'],
    ['b', '1'],
  ]);
  const missing = await runHere(['group', 'list', '-q', 'nope'], env);
  assert.equal(missing.code, 1);
});

test('cron list shows what is due next, and cron history when it was enqueued', async () => {
  await seed({});
  const key = schedulerKey('h:1:s');
  const entry = {
    id: 'e1',
    spec: '@every 1m',
    taskType: 'report',
    taskPayload: new Uint8Array([255]),
    enqueueOptions: ['Queue("low")', 'MaxRetry(3)'],
    nextEnqueueAt: Date.now() + 86_400_000 * 3 + 3_000_000,
    prevEnqueueAt: undefined,
  };
  await client.zadd(SCHEDULERS, Math.ceil(Date.now() / 1000) + 60, key);
  await client.lpush(key, Buffer.from(encodeSchedulerEntry(entry)));
  const event = encodeSchedulerEnqueueEvent({ taskId: 'T1', enqueuedAt: 1_700_000_000_000 });
  await client.zadd(schedulerHistoryKey('e1'), 1_700_000_000, Buffer.from(event));
  const [list, history, json] = await Promise.all([
    runCli(['cron', 'list'], { env }),
    runCli(['cron', 'history', 'e1', 'nobody'], { env }),
    runCli(['cron', 'history', 'e1', '--json'], { env }),
  ]);
  assert.deepEqual(rowsOf(list.stdout), [
    ['ID', 'SPEC', 'TYPE', 'PAYLOAD', 'OPTIONS', 'NEXT', 'PREVIOUS'],
    [
      'e1',
      '@every 1m',
      'report',
      'non-printable bytes',
      'Queue("low"), MaxRetry(3)',
      'in 3d',
      'never',
    ],
  ]);
  assert.equal(history.code, 1);
  assert.match(history.stdout, /^e1\nTASK ID {2}ENQUEUED\nT1 {7}2023-11-14T22:13:20Z \(\d+d/);
  assert.match(history.stdout, /\nno events of entry "nobody"\n$/);
  assert.deepEqual(JSON.parse(json.stdout), [
    { entry: 'e1', events: [{ taskId: 'T1', enqueuedAt: '2023-11-14T22:13:20.000Z' }] },
  ]);
});
