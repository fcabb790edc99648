import assert from 'node:assert/strict';
import { after } from 'node:test';
import { QueueNotFoundError, TaskNotFoundError } from '../../src/errors.ts';
import { Inspector } from '../../src/index.ts';
import { SCHEDULERS, schedulerKey, schedulerHistoryKey, utcDay } from '../../src/wire/keys.ts';
import {
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from '../../src/wire/scheduler-entry.ts';
import { encodeServerInfo, encodeWorkerInfo } from '../../src/wire/server-info.ts';
import { message, QUEUE, useBroker } from '../broker/tasks.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';

const { broker, client, redis, seed } = await useBroker();
const inspector = new Inspector({ redis: redis.url });
after(() => inspector.close());

async function seedQueue(parts: Partial<QueueState>): Promise<void> {
  await seed(parts);
  await client.sadd('asynq:queues', QUEUE);
}

test('every call on a queue that nobody knows says so', async () => {
  await seed({});
  const calls = [
    () => inspector.queueInfo('nobody'),
    () => inspector.history('nobody', 1),
    () => inspector.getTask('nobody', 'A'),
    () => inspector.listTasks({ queue: 'nobody', state: 'pending' }),
    () => inspector.groups('nobody'),
  ];
  for (const call of calls) await assert.rejects(call, QueueNotFoundError);
});

test('a task is told from one that is not there', async () => {
  const now = await earlyInSecond(client);
  const lock = 'asynq:{q}:unique:t:x';
  await seedQueue({
    retry: { A: now + 60 },
    tasks: {
      A: {
        msg: message('A', { errorMsg: 'oh', retried: 2, uniqueKey: lock }),
        state: 'retry',
        group: 'g',
        result: Buffer.from([0, 255]),
      },
    },
  });
  const { payload, headers, ...task } = await inspector.getTask(QUEUE, 'A');
  assert.deepEqual([payload.length, headers], [0, {}]);
  assert.deepEqual(task, {
    id: 'A',
    type: 't',
    queue: QUEUE,
    state: 'retry',
    maxRetry: 25,
    retried: 2,
    timeout: 1_800_000,
    retention: 0,
    lastError: 'oh',
    nextProcessAt: new Date((now + 60) * 1000),
    result: new Uint8Array([0, 255]),
    group: 'g',
    uniqueKey: lock,
    attempts: [],
    logs: [],
  });
  await assert.rejects(inspector.getTask(QUEUE, 'B'), TaskNotFoundError);
});

test('lists come in the order of asynq, a page at a time', async () => {
  const now = await earlyInSecond(client);
  const ids = ['1', '2', '3', '4', '5'];
  const scores = Object.fromEntries(ids.map((id, i) => [id, now + i]));
  const tasks = Object.fromEntries(ids.map((id) => [id, { msg: message(id) }]));
  const page = async (
    parts: Partial<QueueState>,
    state: 'pending' | 'retry' | 'aggregating',
    number: number,
  ): Promise<unknown> => {
    await seedQueue({ ...parts, tasks });
    const group = state === 'aggregating' ? { group: 'g' } : {};
    const options = { queue: QUEUE, state, page: number, size: 2, ...group };
    const found = await inspector.listTasks(options);
    assert.equal(found.total, 5);
    return found.tasks.map(({ id }) => id);
  };
  const pending = { pending: ids.toReversed() };
  assert.deepEqual(await page(pending, 'pending', 1), ['1', '2']);
  assert.deepEqual(await page(pending, 'pending', 3), ['5']);
  assert.deepEqual(await page(pending, 'pending', 4), []);
  assert.deepEqual(await page({ retry: scores }, 'retry', 2), ['3', '4']);
  assert.deepEqual(await page({ group: { g: scores } }, 'aggregating', 1), ['1', '2']);
});

test('a list shows when a task is due, whose lease is over, and what cannot be read', async () => {
  const now = await earlyInSecond(client);
  await seedQueue({
    active: ['kept', 'lost', 'unleased'],
    lease: { kept: now + 30, lost: now },
    scheduled: { later: now + 9 },
    archived: { bad: now, gone: now },
    tasks: {
      kept: { msg: message('kept'), state: 'active' },
      lost: { msg: message('lost'), state: 'active' },
      unleased: { msg: message('unleased'), state: 'active' },
      later: { msg: message('later'), state: 'scheduled' },
      bad: { msg: Buffer.from([255]), state: 'archived' },
    },
  });
  const active = await inspector.listTasks({ queue: QUEUE, state: 'active' });
  assert.deepEqual(
    active.tasks.map(({ id, isOrphaned }) => [id, isOrphaned]),
    [
      ['unleased', true],
      ['lost', true],
      ['kept', false],
    ],
  );
  const scheduled = await inspector.listTasks({ queue: QUEUE, state: 'scheduled' });
  assert.deepEqual(scheduled.tasks[0]?.nextProcessAt, new Date((now + 9) * 1000));
  const archived = await inspector.listTasks({ queue: QUEUE, state: 'archived' });
  assert.deepEqual(
    archived.tasks.map(({ id, type }) => [id, type]),
    [['bad', 'threadmill:undecodable']],
  );
  assert.equal(archived.total, 2);
});

test('a page of large tasks is read in steps', async () => {
  await seedQueue({});
  const sizes = [10, 400_000, 90_000, 90_000, 2_000_000, 5];
  const entries = sizes.map((size, i) => ({
    taskId: `${i}`,
    message: message(`${i}`, { payload: Buffer.alloc(size, i) }),
  }));
  for (let round = 0; round < 20; round += 1) {
    const more = {
      taskId: `more${round}`,
      message: message('m', { payload: Buffer.alloc(99_000) }),
    };
    entries.push(more);
  }
  await broker.enqueue(QUEUE, entries);
  const { tasks } = await inspector.listTasks({ queue: QUEUE, state: 'pending', size: 100 });
  assert.equal(tasks.length, entries.length);
  assert.deepEqual(
    tasks.slice(0, sizes.length).map(({ payload }) => payload.length),
    sizes,
  );
});

test('the counters of the last days are read, today first', async () => {
  const now = await earlyInSecond(client);
  const day = (ago: number): string => utcDay((now - ago * 86_400) * 1000);
  await seedQueue({
    counters: {
      [`processed:${day(0)}`]: '3',
      [`failed:${day(0)}`]: '1',
      [`processed:${day(2)}`]: '9',
    },
  });
  assert.deepEqual(await inspector.history(QUEUE, 3), [
    { day: day(0), processed: 3, failed: 1 },
    { day: day(1), processed: 0, failed: 0 },
    { day: day(2), processed: 9, failed: 0 },
  ]);
});

test('groups are listed with their sizes', async () => {
  await seedQueue({ groups: ['b', 'a'], group: { a: { x: 1, y: 2 }, b: { z: 1 } } });
  assert.deepEqual(await inspector.groups(QUEUE), [
    { name: 'a', size: 2 },
    { name: 'b', size: 1 },
  ]);
});

test('servers are read with their workers, and what is gone is pruned', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const info = encodeServerInfo({
    host: 'h',
    pid: 7,
    serverId: 'uuid',
    concurrency: 4,
    queues: { q: 2 },
    strictPriority: true,
    status: 'active',
    startTimeMs: 1_700_000_000_000,
    activeWorkerCount: 1,
  });
  const worker = encodeWorkerInfo({
    host: 'h',
    pid: 7,
    serverId: 'uuid',
    taskId: 'A',
    taskType: 't',
    taskPayload: Buffer.from('p'),
    queue: 'q',
    startTimeMs: 1_700_000_001_000,
    deadlineMs: 1_700_000_002_000,
  });
  const workers = [{ taskId: 'A', info: worker }];
  await broker.announce({ address: 'h:7:uuid', info, workers, ttlSeconds: 10 });
  await client.zadd('asynq:servers', now - 5, 'asynq:servers:{old:1:x}');
  const [server, ...others] = await inspector.servers();
  assert.deepEqual(others, []);
  assert.deepEqual(server, {
    id: 'uuid',
    host: 'h',
    pid: 7,
    concurrency: 4,
    queues: { q: 2 },
    strictPriority: true,
    status: 'active',
    startedAt: new Date(1_700_000_000_000),
    workers: [
      {
        taskId: 'A',
        type: 't',
        queue: 'q',
        payload: new Uint8Array(Buffer.from('p')),
        startedAt: new Date(1_700_000_001_000),
        deadline: new Date(1_700_000_002_000),
      },
    ],
  });
  assert.equal(await client.zcard('asynq:servers'), 1);
});

test('entries of schedulers are read with their history', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const key = schedulerKey('h:1:s');
  const entry = {
    id: 'e1',
    spec: '@every 1m',
    taskType: 't',
    taskPayload: new Uint8Array([1]),
    enqueueOptions: ['Queue("low")'],
    nextEnqueueAt: 1_700_000_060_000,
    prevEnqueueAt: undefined,
  };
  await client.zadd(SCHEDULERS, now + 20, key);
  await client.lpush(key, Buffer.from(encodeSchedulerEntry(entry)), Buffer.from([255]));
  assert.deepEqual(await inspector.scheduleEntries(), [
    {
      id: 'e1',
      spec: '@every 1m',
      type: 't',
      payload: new Uint8Array([1]),
      options: ['Queue("low")'],
      nextAt: new Date(1_700_000_060_000),
    },
  ]);
  for (const seconds of [1, 2, 3]) {
    const event = encodeSchedulerEnqueueEvent({
      taskId: `T${seconds}`,
      enqueuedAt: seconds * 1000,
    });
    await client.zadd(schedulerHistoryKey('e1'), seconds, Buffer.from(event));
  }
  assert.deepEqual(await inspector.scheduleEvents('e1', { size: 2 }), [
    { taskId: 'T3', enqueuedAt: new Date(3000) },
    { taskId: 'T2', enqueuedAt: new Date(2000) },
  ]);
});
