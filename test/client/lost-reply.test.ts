import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { Client, EnqueueUncertainError, TaskIdConflictError } from '../../src/index.ts';
import type { NewTask, TaskInfo } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { startGivenTime } from '../helpers/given-time.ts';
import { type SwallowingProxy, swallowingProxy } from '../helpers/proxy.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const server = createRedisBroker({ redis: redis.url, connectTimeoutMs: 5_000 });
after(() => server.close());
const keys = queueKeys('default');
// Redis knows the script from now on: a reply that asks for it would be lost as well.
await server.enqueue('default', [{ taskId: 'first', message: Buffer.from('m') }]);
const task: NewTask = { type: 't', payload: { a: 1 } };

interface Cut {
  readonly proxy: SwallowingProxy;
  readonly client: Client;
}

/** An empty Redis, and a connected client behind a proxy. */
async function useCut(connectTimeout = 20_000): Promise<Cut> {
  await redis.client.flushall();
  const proxy = await swallowingProxy(redis.socket);
  const client = new Client({ redis: { path: proxy.socket }, connectTimeout });
  after(async () => {
    await client.close();
    await proxy.close();
  });
  await client.getTask({ id: 'none' });
  return { proxy, client };
}

/** Calls while no reply comes back, cuts the connection once `isDone` and `meanwhile` are, and answers the call. */
async function lose<Reply>(
  { proxy }: Cut,
  call: () => Promise<Reply>,
  {
    isDone = isStored,
    meanwhile,
  }: { isDone?: () => Promise<boolean>; meanwhile?: () => Promise<void> } = {},
): Promise<Reply> {
  proxy.swallowReplies();
  const reply = call();
  await until(isDone);
  await meanwhile?.();
  proxy.cut();
  return await reply;
}

const redisSecond = async (): Promise<number> => Number((await redis.client.time())[0]);

const isStored = async (): Promise<boolean> => (await redis.client.llen(keys.pending)) > 0;

/** Runs what is pending as a server does whose tasks are kept for no time: nothing is left of it. */
async function runAll(): Promise<void> {
  const us = { queue: 'default', server: 'us' };
  const { tasks } = await server.lease({ ...us, max: 1_000, leaseMs: 30_000, firstRun: 1 });
  const settlements = tasks.map(({ id, run }) => {
    return { run, settlement: { kind: 'done', id, uniqueKey: '' } as const };
  });
  await server.settle({ ...us, settlements });
  assert.equal(await redis.client.exists(...tasks.map(({ id }) => keys.task(id))), 0);
}

test('an enqueue whose reply is lost is answered as stored, and is stored once', async () => {
  const cut = await useCut();
  const info = await lose(cut, () => cut.client.enqueue(task));
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [info.id]);
  assert.equal(info.state, 'pending');
});

test('an enqueue that never reached Redis is stored once the connection is there again', async () => {
  const { proxy, client } = await useCut();
  proxy.swallowAll();
  const reply = client.enqueue(task);
  await new Promise(setImmediate); // now it is written to the socket
  proxy.cut();
  const { id } = await reply;
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [id]);
});

test('a task that was run and deleted before the repeat is answered as stored, and not stored again', async () => {
  const cut = await useCut();
  const info = await lose(cut, () => cut.client.enqueue(task, { taskId: 'mine' }), {
    meanwhile: runAll,
  });
  assert.deepEqual([info.id, info.state], ['mine', 'pending']);
  assert.equal(await redis.client.exists(keys.pending, keys.task('mine')), 0);
});

test('a repeat of a scheduled task answers the instant that was stored first', async () => {
  const cut = await useCut();
  const info = await lose(cut, () => cut.client.enqueue(task, { processIn: '1h' }), {
    isDone: async () => (await redis.client.zcard(keys.scheduled)) > 0,
    meanwhile: async () => {
      const stored = await redisSecond();
      await until(async () => (await redisSecond()) > stored + 1);
    },
  });
  const score = Number(await redis.client.zscore(keys.scheduled, info.id));
  assert.equal(info.nextProcessAt?.getTime(), score * 1_000);
  assert.equal(await redis.client.zcard(keys.scheduled), 1);
});

test('a conflict whose reply is lost stays one, even if the message of the other is the same', async () => {
  const cut = await useCut();
  const other = new Client({ redis: redis.url });
  await other.enqueue(task, { taskId: 'same' });
  await other.close();
  const isAnswered = async (): Promise<boolean> =>
    (await redis.client.keys('*threadmill_calls*')).length > 1;
  await assert.rejects(
    lose(cut, () => cut.client.enqueue(task, { taskId: 'same' }), { isDone: isAnswered }),
    TaskIdConflictError,
  );
  assert.equal(await redis.client.llen(keys.pending), 1);
});

test('enqueueMany whose reply is lost answers each item as it was, and stores each once', async () => {
  const cut = await useCut();
  await cut.client.enqueue(task, { taskId: 'taken' });
  const requests = [
    { task },
    { task, options: { taskId: 'taken' } },
    { task, options: { processIn: '1h' } },
    ...Array.from({ length: 700 }, () => ({ task })),
  ];
  const results = await lose(cut, () => cut.client.enqueueMany(requests), {
    isDone: async () => (await redis.client.llen(keys.pending)) === 702,
    meanwhile: runAll,
  });
  const answers = results.map((result) => (result.ok ? result.info.state : result.error.name));
  assert.deepEqual(answers.slice(0, 4), ['pending', 'TaskIdConflictError', 'scheduled', 'pending']);
  assert.ok(results.slice(4).every((result) => result.ok));
  assert.equal(await redis.client.zcard(keys.scheduled), 1);
  assert.equal(await redis.client.llen(keys.pending), 0);
});

test('calls on their way at once are each repeated, and calls after them are not mistaken for them', async () => {
  const cut = await useCut();
  const stored = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    const infos = await lose(
      cut,
      () => Promise.all(Array.from({ length: 50 }, () => cut.client.enqueue(task))),
      { isDone: async () => (await redis.client.llen(keys.pending)) === 50, meanwhile: runAll },
    );
    for (const { id } of infos) stored.add(id);
    assert.equal(await redis.client.llen(keys.pending), 0);
  }
  assert.equal(stored.size, 150);
  await cut.client.enqueue(task);
  assert.equal(await redis.client.llen(keys.pending), 1);
});

test('an ioredis instance of the caller that sends commands again by itself stores a task once', async () => {
  const { proxy } = await useCut();
  const own = new Redis({ path: proxy.socket });
  own.on('error', () => undefined);
  const client = new Client({ redis: own, connectTimeout: 20_000 });
  after(() => own.disconnect());
  await client.getTask({ id: 'none' });
  const info = await lose({ proxy, client }, () => client.enqueue(task, { taskId: 'mine' }), {
    meanwhile: runAll,
  });
  assert.equal(info.id, 'mine');
  assert.equal(await redis.client.exists(keys.pending, keys.task('mine')), 0);
  await client.close();
});

/** Makes a call end without a reply, and answers the IDs that it names. */
async function makeUncertain(
  { proxy, client }: Cut,
  requests: Parameters<Client['enqueueMany']>[0],
): Promise<string[]> {
  proxy.swallowReplies();
  const results = await client.enqueueMany(requests);
  proxy.cut();
  return results.map((result) => {
    assert.ok(!result.ok && result.error instanceof EnqueueUncertainError);
    return result.error.taskId;
  });
}

test('after EnqueueUncertainError a repeat with its taskId by the same client succeeds, even if the task is gone', async () => {
  const cut = await useCut(2_000);
  const [taskId = ''] = await makeUncertain(cut, [{ task }]);
  await runAll();
  const info: TaskInfo = await cut.client.enqueue(task, { taskId });
  assert.deepEqual([info.id, info.state], [taskId, 'pending']);
  assert.equal(await redis.client.exists(keys.pending, keys.task(taskId)), 0);
  // That repeat was answered: the same again is another task.
  await cut.client.enqueue(task, { taskId });
  await assert.rejects(cut.client.enqueue(task, { taskId }), TaskIdConflictError);
});

test('each task of a call that ended without a reply can be repeated, alone or with others', async () => {
  const cut = await useCut(2_000);
  const [first = '', second = '', third = ''] = await makeUncertain(cut, [
    { task: { ...task, payload: 1 } },
    { task: { ...task, payload: 2 } },
    { task: { ...task, payload: 3 }, options: { processIn: '1h' } },
  ]);
  const results = await cut.client.enqueueMany([
    { task: { ...task, payload: 3 }, options: { taskId: third, processIn: '1h' } },
    { task: { type: 'new' } },
    { task: { ...task, payload: 1 }, options: { taskId: first } },
    { task: { ...task, payload: 'other' }, options: { taskId: second } },
    { task: { ...task, payload: 1 }, options: { taskId: first } },
  ]);
  const answers = results.map((result) => (result.ok ? result.info.state : result.error.name));
  const conflict = 'TaskIdConflictError';
  assert.deepEqual(answers, ['scheduled', 'pending', 'pending', conflict, conflict]);
  assert.equal(await redis.client.llen(keys.pending), 3);
});

test('a repeat by hand stores the task when the call had not reached Redis', async () => {
  const { proxy, client } = await useCut(2_000);
  proxy.swallowAll();
  const results = await client.enqueueMany([{ task }, { task }]);
  proxy.cut();
  for (const result of results) {
    assert.ok(!result.ok && result.error instanceof EnqueueUncertainError);
    const { taskId } = result.error;
    assert.equal((await client.enqueue(task, { taskId })).id, taskId);
  }
  assert.equal(await redis.client.llen(keys.pending), 2);
});

test('a connection that swallows everything ends each call within its time, connecting included', async () => {
  const { proxy, client } = await useCut(2_000);
  proxy.swallowAll();
  const fresh = new Client({ redis: { path: proxy.socket }, connectTimeout: 2_000 });
  const clock = startGivenTime();
  const begin = performance.now();
  const results = await Promise.allSettled([
    client.enqueue(task),
    client.enqueueMany([{ task }, { task }]),
    fresh.enqueue(task),
  ]);
  const [took, givenMs] = [performance.now() - begin, clock.ms()];
  clock.stop();
  assert.ok(took > 1_500 && givenMs < 3_500, `${took} ms, ${givenMs} of them given`);
  const [one, many, unconnected] = results;
  assert.ok(one.status === 'rejected');
  assert.equal(one.reason.code, 'ERR_ENQUEUE_UNCERTAIN');
  assert.ok(many.status === 'fulfilled');
  assert.deepEqual(
    many.value.map((result) => !result.ok && Reflect.get(result.error, 'code')),
    ['ERR_ENQUEUE_UNCERTAIN', 'ERR_ENQUEUE_UNCERTAIN'],
  );
  assert.ok(unconnected.status === 'rejected');
  assert.equal(unconnected.reason.code, 'ERR_REDIS_UNREACHABLE');
  await fresh.close();
});

test('the time of a call is for connection and reply together', async () => {
  const { proxy } = await useCut();
  const own = new Redis({ path: proxy.socket, retryStrategy: () => 1_800 });
  after(() => own.disconnect());
  own.on('error', () => undefined);
  await once(own, 'ready');
  const down = once(own, 'reconnecting');
  proxy.cut();
  await down;
  own.once('ready', () => proxy.swallowReplies());
  const client = new Client({ redis: own, connectTimeout: 3_000 });
  const clock = startGivenTime();
  const begin = performance.now();
  await assert.rejects(client.enqueue(task), EnqueueUncertainError);
  const [took, givenMs] = [performance.now() - begin, clock.ms()];
  clock.stop();
  assert.ok(took > 2_900 && givenMs < 4_500, `${took} ms, ${givenMs} of them given`);
  await client.close();
});

test('what Redis keeps of a client is one answer per call on its way, and expires', async () => {
  const { client } = await useCut();
  for (let i = 0; i < 20; i += 1) await client.enqueue(task);
  const [calls = '', ...more] = await redis.client.keys('*threadmill_calls*');
  assert.match(calls, /^asynq:\{default\}:threadmill_calls:/);
  assert.deepEqual(more, []);
  const seconds = await redis.client.ttl(calls);
  assert.ok(seconds > 300 && seconds <= 320, `${seconds} s`);
});
