import assert from 'node:assert/strict';
import { after } from 'node:test';
import { InvalidOptionsError } from '../../src/errors.ts';
import { Inspector } from '../../src/index.ts';
import type { TaskSelection } from '../../src/inspector/types.ts';
import { CANCEL_CHANNEL } from '../../src/wire/keys.ts';
import { encodeServerInfo, encodeWorkerInfo } from '../../src/wire/server-info.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { held, message, QUEUE, useBroker } from '../broker/tasks.ts';

const { broker, client, redis, seed } = await useBroker();
const inspector = new Inspector({ redis: redis.url });
after(() => inspector.close());

/** Which tasks have a mark, and for which a request was published; the answer's figures. */
async function cancel(selection: TaskSelection): Promise<unknown> {
  const listener = redis.client.duplicate();
  const heard: string[] = [];
  listener.on('message', (_channel, id: string) => heard.push(id));
  await listener.subscribe(CANCEL_CHANNEL);
  const { changed, total, failures } = await inspector.cancel(selection);
  await listener.unsubscribe(CANCEL_CHANNEL); // what was published before has come by then
  listener.disconnect();
  const marked: string[] = [];
  for (const id of ['A', 'B', 'C', 'P']) {
    if ((await client.hexists(`asynq:{q}:t:${id}`, 'threadmill_cancel')) === 1) marked.push(id);
  }
  return { changed, total, failures: failures.length, marked, heard: heard.sort() };
}

async function seedRunning(): Promise<void> {
  const now = await earlyInSecond(client);
  const { tasks = {}, ...places } = held(['A', 'B', 'C'], { leaseAt: now + 30 });
  const pending = { msg: message('P'), state: 'pending' };
  const typed = Object.fromEntries(
    Object.entries(tasks).map(([id, fields]) => [
      id,
      { ...fields, msg: message(id, { type: id === 'B' ? 'slow' : 't' }) },
    ]),
  );
  await seed({ ...places, pending: ['P'], tasks: { ...typed, P: pending } });
  await client.sadd('asynq:queues', QUEUE);
}

test('a running task is asked to stop; one that waits is left alone', async () => {
  await seedRunning();
  assert.deepEqual(await cancel({ queue: QUEUE, id: 'A' }), {
    changed: 1,
    total: 1,
    failures: 0,
    marked: ['A'],
    heard: ['A'],
  });
  await seedRunning();
  assert.deepEqual(await cancel({ queue: QUEUE, ids: ['B', 'P'] }), {
    changed: 1,
    total: 2,
    failures: 0,
    marked: ['B'],
    heard: ['B', 'P'],
  });
});

test('all running tasks, or those of a type, are asked to stop', async () => {
  await seedRunning();
  const all = {
    changed: 3,
    total: 3,
    failures: 0,
    marked: ['A', 'B', 'C'],
    heard: ['A', 'B', 'C'],
  };
  assert.deepEqual(await cancel({ queue: QUEUE, state: 'active' }), all);
  await seedRunning();
  const some = { changed: 1, total: 3, failures: 0, marked: ['B'], heard: ['B'] };
  const filter = { type: 'slow' };
  assert.deepEqual(await cancel({ queue: QUEUE, state: 'active', filter }), some);
});

test('the age of a running task counts from what its server says', async () => {
  await seedRunning();
  const server = { host: 'h', pid: 1, serverId: 's' };
  const info = encodeServerInfo({
    ...server,
    concurrency: 1,
    queues: { q: 1 },
    strictPriority: false,
    status: 'active',
    startTimeMs: 1,
    activeWorkerCount: 2,
  });
  const workers = ['A', 'B'].map((taskId, i) => ({
    taskId,
    info: encodeWorkerInfo({
      ...server,
      taskId,
      taskType: 't',
      taskPayload: new Uint8Array(),
      queue: QUEUE,
      startTimeMs: Date.now() - (i === 0 ? 3_600_000 : 0),
      deadlineMs: 0,
    }),
  }));
  await broker.announce({ address: 'h:1:s', info, workers, ttlSeconds: 10 });
  const old = { changed: 1, total: 3, failures: 0, marked: ['A'], heard: ['A'] };
  const filter = { olderThanMs: 1_800_000 };
  assert.deepEqual(await cancel({ queue: QUEUE, state: 'active', filter }), old);
});

test('only running tasks can be canceled', async () => {
  await seedRunning();
  const wrong = inspector.cancel({ queue: QUEUE, state: 'pending' });
  await assert.rejects(wrong, InvalidOptionsError);
});

test('hundreds of running tasks are asked to stop, each once', async () => {
  const now = await earlyInSecond(client);
  const ids = Array.from({ length: 350 }, (_, i) => `t${i}`);
  await seed(held(ids, { leaseAt: now + 30 }));
  await client.sadd('asynq:queues', QUEUE);
  const { changed, seen } = await inspector.cancel({ queue: QUEUE, state: 'active' });
  assert.deepEqual([changed, seen], [350, 350]);
});
