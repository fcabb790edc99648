/** What is kept from one call to the next must not show: calls of many shapes, by turns. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, type EnqueueOptions, type NewTask } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  decodeTaskMessage,
  emptyTaskMessage,
  type TaskMessage,
} from '../../src/wire/task-message.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const client = new Client({ redis: { path: redis.socket } });
after(() => client.close());

async function stored(queue: string, id: string): Promise<TaskMessage> {
  const message = await redis.client.hgetBuffer(queueKeys(queue).task(id), 'msg');
  assert.ok(message !== null, `${queue} ${id}`);
  return decodeTaskMessage(message);
}

interface Shape {
  readonly task: NewTask;
  readonly options?: EnqueueOptions;
  readonly wanted: Partial<TaskMessage>;
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const large = 'ä'.repeat(100_000); // 200 kB go to Redis beside the script

const SHAPES: readonly Shape[] = [
  { task: { type: 't', payload: { a: 1 } }, wanted: { type: 't', payload: json({ a: 1 }) } },
  { task: { type: 't' }, options: { queue: 'niedrige-priorität' }, wanted: { type: 't' } },
  { task: { type: 'größe' }, options: { queue: '字' }, wanted: { type: 'größe' } },
  { task: { type: 't', payload: '' }, options: { queue: 'low' }, wanted: { type: 't' } },
  {
    task: { type: 't', payload: large },
    wanted: { type: 't', payload: new TextEncoder().encode(large) },
  },
  {
    task: { type: 't', payload: new Uint8Array([0, 255, 13, 10]) },
    options: { queue: 'low', maxRetry: 3, retention: '1h' },
    wanted: { type: 't', payload: new Uint8Array([0, 255, 13, 10]), retry: 3, retention: 3600 },
  },
  {
    task: { type: 't' },
    options: { queue: 'low', group: 'gruppe-ö' },
    wanted: { type: 't', groupKey: 'gruppe-ö' },
  },
  { task: { type: 't', headers: { ö: 'ü' } }, wanted: { type: 't', headers: { ö: 'ü' } } },
  {
    task: { type: 't' },
    options: { processIn: '1h', timeout: '1m' },
    wanted: { type: 't', timeout: 60 },
  },
];

async function enqueueAndCompare({ task, options, wanted }: Shape): Promise<void> {
  const queue = options?.queue ?? 'default';
  const info = await client.enqueue(task, options);
  assert.equal(info.queue, queue);
  const defaults = { ...emptyTaskMessage(), retry: 25, timeout: 1800 };
  assert.deepEqual(await stored(queue, info.id), { ...defaults, id: info.id, queue, ...wanted });
  assert.deepEqual(info.payload, wanted.payload ?? new Uint8Array(0));
}

test('calls of many shapes, by turns and at once, are stored as each of them says', async () => {
  for (let round = 0; round < 3; round += 1) {
    for (const shape of SHAPES) await enqueueAndCompare(shape);
  }
  await Promise.all([...SHAPES, ...SHAPES].map(enqueueAndCompare));
  const queues = await redis.client.smembers('asynq:queues');
  assert.deepEqual(queues.toSorted(), ['default', 'low', 'niedrige-priorität', '字']);
});

test('an answer keeps its payload while others are enqueued', async () => {
  const infos = await Promise.all(
    Array.from({ length: 300 }, (_, index) => client.enqueue({ type: 't', payload: { index } })),
  );
  for (const [index, info] of infos.entries()) assert.deepEqual(info.payload, json({ index }));
});

test('what a caller changes after a call changes neither that call nor the next', async () => {
  const payload = { a: 1 };
  const options: { queue?: string; maxRetry?: number } = { queue: 'low' };
  const first = client.enqueue({ type: 't', payload }, options);
  payload.a = 2;
  options.maxRetry = 7;
  const second = client.enqueue({ type: 't', payload }, options);
  options.queue = 'other';
  delete options.maxRetry;
  const third = client.enqueue({ type: 't', payload }, options);
  const [one, two, three] = await Promise.all([first, second, third]);
  assert.deepEqual([one.queue, one.maxRetry, one.payload], ['low', 25, json({ a: 1 })]);
  assert.deepEqual([two.queue, two.maxRetry, two.payload], ['low', 7, json({ a: 2 })]);
  assert.deepEqual([three.queue, three.maxRetry], ['other', 25]);
});

test('a script that Redis has forgotten is sent in full behind what is kept of the call', async () => {
  await client.enqueue({ type: 't' }, { queue: 'forgotten' });
  await redis.client.script('FLUSH');
  const { id } = await client.enqueue({ type: 't' }, { queue: 'forgotten' });
  assert.equal(await redis.client.lindex(queueKeys('forgotten').pending, 0), id);
});

test('more queues than are kept are all served, the first ones again', async () => {
  const names = Array.from({ length: 2_100 }, (_, index) => `queue-${index}`);
  const requests = [...names, ...names].map((queue) => ({
    task: { type: 't' },
    options: { queue },
  }));
  const results = await client.enqueueMany(requests);
  assert.ok(results.every((result) => result.ok));
  for (const queue of ['queue-0', 'queue-1999', 'queue-2000', 'queue-2099']) {
    assert.equal(await redis.client.llen(queueKeys(queue).pending), 2);
  }
});
