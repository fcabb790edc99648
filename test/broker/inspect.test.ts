import assert from 'node:assert/strict';
import { utcDay } from '../../src/wire/keys.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const body = (id: string, fields: object): Record<string, string | Buffer> => ({
  msg: message(id),
  ...fields,
});

test('the figures of a queue count every container, groups and totals', async () => {
  const now = await earlyInSecond(client);
  await seed({
    pending: ['p2', 'p1'],
    active: ['a1'],
    lease: { a1: now + 30 },
    scheduled: { s1: now + 9, s2: now + 9, s3: now + 9 },
    retry: { r1: now + 9 },
    archived: { x1: now },
    completed: { c1: now + 9 },
    groups: ['g1', 'g2', 'empty'],
    group: { g1: { m1: now, m2: now }, g2: { m3: now } },
    tasks: {
      p1: body('p1', { state: 'pending', pending_since: `${now - 10}000000000` }),
      a1: body('a1', { state: 'active' }),
      m1: body('m1', { state: 'aggregating', group: 'g1' }),
    },
    counters: {
      processed: '12',
      failed: '3',
      [`processed:${utcDay(now * 1000)}`]: '5',
      [`failed:${utcDay(now * 1000)}`]: '2',
    },
    paused: '1700000000',
  });
  const { latencyMs, memoryBytes, takenAt, ...info } = await broker.queueInfo(QUEUE);
  assert.equal(Math.floor(takenAt.getTime() / 1000), now);
  assert.deepEqual(info, {
    queue: 'q',
    counts: {
      pending: 2,
      active: 1,
      scheduled: 3,
      retry: 1,
      archived: 1,
      completed: 1,
      aggregating: 3,
    },
    size: 12,
    groups: 3,
    processedToday: 5,
    failedToday: 2,
    processedTotal: 12,
    failedTotal: 3,
    isPaused: true,
  });
  assert.ok(latencyMs >= 10_000 && latencyMs < 11_000, `${latencyMs}`);
  assert.ok(memoryBytes > 500 && memoryBytes < 5000, `${memoryBytes}`);
});

test('a queue that does not exist reads as an empty one', async () => {
  await seed({});
  const { counts, takenAt: _now, ...info } = await broker.queueInfo('nobody');
  assert.deepEqual(new Set(Object.values(counts)), new Set([0]));
  assert.deepEqual(info, {
    queue: 'nobody',
    size: 0,
    latencyMs: 0,
    memoryBytes: 0,
    groups: 0,
    processedToday: 0,
    failedToday: 0,
    processedTotal: 0,
    failedTotal: 0,
    isPaused: false,
  });
});

test('the memory estimate scales the sample of 20 to the whole', async () => {
  await seed({});
  const entries = Array.from({ length: 200 }, (_, i) => ({
    taskId: `task-${i}`,
    message: Buffer.alloc(1000),
  }));
  await broker.enqueue(QUEUE, entries);
  const { memoryBytes } = await broker.queueInfo(QUEUE);
  const one = Number(await client.memory('USAGE', 'asynq:{q}:t:task-0'));
  assert.ok(Math.abs(memoryBytes - 200 * one) < 50 * 200, `${memoryBytes} for 200 of ${one}`);
});

test('queues are listed by name', async () => {
  await seed({});
  await client.sadd('asynq:queues', 'low', 'critical');
  assert.deepEqual(await broker.queues(), ['critical', 'low']);
});

test('a stored task is read with its state, result and due time', async () => {
  const now = await earlyInSecond(client);
  await seed({
    retry: { A: now + 60 },
    scheduled: { B: now + 70 },
    tasks: {
      A: body('A', { state: 'retry', result: Buffer.from([0, 255]) }),
      B: body('B', { state: 'scheduled' }),
      C: body('C', { state: 'pending', group: 'g', unique_key: 'lock' }),
      half: { result: Buffer.from('r') },
    },
  });
  const read = async (id: string): Promise<unknown> => {
    const found = await broker.getTask(QUEUE, id);
    return found && { ...found, message: Buffer.from(found.message) };
  };
  const result = new Uint8Array([0, 255]);
  const due = (now + 60) * 1000;
  assert.deepEqual(await read('A'), { message: message('A'), state: 'retry', result, dueAt: due });
  assert.deepEqual(await read('B'), {
    message: message('B'),
    state: 'scheduled',
    dueAt: due + 10_000,
  });
  assert.deepEqual(await read('C'), {
    message: message('C'),
    state: 'pending',
    group: 'g',
    uniqueKey: 'lock',
  });
  assert.deepEqual(await read('half'), {
    message: Buffer.alloc(0),
    state: '',
    result: new Uint8Array(Buffer.from('r')),
  });
  assert.equal(await read('none'), undefined);
});
