/** Unique tasks, groups and replaced tasks as a producer meets them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  Client,
  defineTask,
  DuplicateTaskError,
  EnqueueUncertainError,
  InvalidOptionsError,
  TaskIdConflictError,
} from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

const redis = await useRedis();
const client = new Client({ redis: redis.url });
after(() => client.close());
const keys = queueKeys('default');
const task = { type: 'mail', payload: { to: 'a' } };
const LOCK = keys.unique('mail', Buffer.from('{"to":"a"}'));

async function clear(): Promise<void> {
  await redis.client.flushall();
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.then(
    () => 'stored',
    (caught: unknown) => caught,
  );
  return error instanceof Error ? Reflect.get(error, 'code') : error;
}

test('a unique task keeps others with its type and payload out of its queue', async () => {
  await clear();
  const first = await client.enqueue(task, { uniqueFor: '10m' });
  assert.deepEqual([await redis.client.get(LOCK), first.state], [first.id, 'pending']);
  const message = decodeTaskMessage(
    (await redis.client.hgetBuffer(keys.task(first.id), 'msg')) ?? Buffer.alloc(0),
  );
  assert.equal(message.uniqueKey, LOCK);
  await assert.rejects(client.enqueue(task, { uniqueFor: '1h', maxRetry: 3 }), (error) => {
    assert.ok(error instanceof DuplicateTaskError);
    assert.deepEqual(
      [error.code, error.type, error.queue, error.existingTaskId],
      ['ERR_DUPLICATE_TASK', 'mail', 'default', first.id],
    );
    assert.ok(error.message.includes(first.id));
    return true;
  });
  const others = [
    client.enqueue(task),
    client.enqueue(task, { uniqueFor: '1m', queue: 'other' }),
    client.enqueue({ ...task, type: 'post' }, { uniqueFor: '1m' }),
    client.enqueue({ ...task, payload: { to: 'b' } }, { uniqueFor: '1m' }),
    client.enqueue({ type: 'mail' }, { uniqueFor: '1m' }),
    client.enqueue({ type: 'mail', payload: '' }, { uniqueFor: '1m' }),
  ];
  assert.deepEqual(
    await Promise.all(others.map(codeOf)),
    others.map(() => 'stored'),
  );
  assert.equal(
    await codeOf(client.enqueue({ type: 'mail' }, { uniqueFor: 1000 })),
    'ERR_DUPLICATE_TASK',
  );
});

test('a definition may make its tasks unique', async () => {
  await clear();
  const report = defineTask<{ day: string }>({ type: 'report', uniqueFor: '1h' });
  await client.enqueue(report({ day: 'today' }));
  assert.equal(await codeOf(client.enqueue(report({ day: 'today' }))), 'ERR_DUPLICATE_TASK');
  assert.equal(await codeOf(client.enqueue(report({ day: 'tomorrow' }))), 'stored');
});

test('a task in a group is aggregating, has no due time, and shows its group', async () => {
  await clear();
  const info = await client.enqueue(task, { group: 'daily' });
  assert.deepEqual(
    [info.state, info.group, 'nextProcessAt' in info],
    ['aggregating', 'daily', false],
  );
  assert.deepEqual(await client.getTask(info), info);
  assert.deepEqual(await redis.client.smembers(keys.groups), ['daily']);
  await assert.rejects(
    client.enqueue(task, { group: 'daily', processIn: '1m' }),
    InvalidOptionsError,
  );
});

test('enqueueMany takes unique and group tasks, and answers each of them', async () => {
  await clear();
  const results = await client.enqueueMany([
    { task, options: { uniqueFor: '1m' } },
    { task, options: { uniqueFor: '1m' } },
    { task, options: { group: 'g' } },
    { task, options: { group: 'g', uniqueFor: '1m' } },
    { task, options: { uniqueFor: '10ms' } },
    { task, options: { processIn: '1h', uniqueFor: '1m', queue: 'other' } },
    { task },
  ]);
  assert.deepEqual(
    results.map((result) => (result.ok ? result.info.state : Reflect.get(result.error, 'code'))),
    [
      'pending',
      'ERR_DUPLICATE_TASK',
      'aggregating',
      'ERR_DUPLICATE_TASK',
      'ERR_INVALID_OPTIONS',
      'scheduled',
      'pending',
    ],
  );
  const ttl = await redis.client.ttl(queueKeys('other').unique('mail', Buffer.from('{"to":"a"}')));
  assert.ok(ttl > 3_600 && ttl <= 3_661, `${ttl} s`);
});

test('of a hundred clients that enqueue the same unique task at once one succeeds', async () => {
  await clear();
  const clients = Array.from({ length: 20 }, () => new Client({ redis: redis.url }));
  const codes = await Promise.all(
    clients.flatMap((each) =>
      Array.from({ length: 5 }, () => codeOf(each.enqueue(task, { uniqueFor: '1m' }))),
    ),
  );
  await Promise.all(clients.map((each) => each.close()));
  assert.equal(codes.filter((code) => code === 'stored').length, 1);
  assert.equal(codes.filter((code) => code === 'ERR_DUPLICATE_TASK').length, 99);
  assert.equal(await redis.client.llen(keys.pending), 1);
});

test('an archived ID is a conflict that says how to take its place, and then does not block', async () => {
  await clear();
  const taskId = 'report-today';
  await redis.client.hset(keys.task(taskId), { msg: 'old', state: 'archived', result: 'x' });
  await redis.client.zadd(keys.archived, 5, taskId);
  await assert.rejects(client.enqueue(task, { taskId }), (error) => {
    assert.ok(error instanceof TaskIdConflictError);
    assert.equal(error.state, 'archived');
    assert.match(error.message, /replaceArchived/);
    return true;
  });
  const info = await client.enqueue(task, { taskId, replaceArchived: true });
  assert.deepEqual([info.id, info.state], [taskId, 'pending']);
  assert.equal((await client.getTask(info))?.result, undefined);
  await assert.rejects(client.enqueue(task, { taskId, replaceArchived: true }), {
    code: 'ERR_TASK_ID_CONFLICT',
    state: 'pending',
  });
});

test('a unique task whose reply was lost is not a duplicate of itself', async () => {
  await clear();
  const proxy = await swallowingProxy(redis.socket);
  const cut = new Client({ redis: { path: proxy.socket }, connectTimeout: 20_000 });
  after(async () => {
    await cut.close();
    await proxy.close();
  });
  await cut.getTask({ id: 'none' });
  const isStored = async () => (await redis.client.llen(keys.pending)) > 0;
  proxy.swallowReplies();
  const one = cut.enqueue(task, { uniqueFor: '1m', taskId: 'mine' });
  await until(isStored);
  proxy.cut();
  assert.equal((await one).id, 'mine');
  assert.equal(await redis.client.llen(keys.pending), 1);

  await clear();
  proxy.swallowReplies();
  const many = cut.enqueueMany([
    { task, options: { uniqueFor: '1m' } },
    { task, options: { uniqueFor: '1m' } },
    { task, options: { group: 'g' } },
  ]);
  await until(isStored);
  proxy.cut();
  assert.deepEqual(
    (await many).map((result) => (result.ok ? result.info.state : result.error.name)),
    ['pending', 'DuplicateTaskError', 'aggregating'],
  );
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [await redis.client.get(LOCK)]);
});

test('a repeat by hand of a unique task succeeds for the same client, and tells another its own ID', async () => {
  await clear();
  const proxy = await swallowingProxy(redis.socket);
  const cut = new Client({ redis: { path: proxy.socket }, connectTimeout: 2_000 });
  after(async () => {
    await cut.close();
    await proxy.close();
  });
  await cut.getTask({ id: 'none' });
  proxy.swallowReplies();
  const error: unknown = await cut
    .enqueue(task, { uniqueFor: '1m' })
    .catch((caught: unknown) => caught);
  proxy.cut();
  assert.ok(error instanceof EnqueueUncertainError, String(error));
  const { taskId } = error;
  await assert.rejects(client.enqueue(task, { uniqueFor: '1m', taskId }), {
    code: 'ERR_DUPLICATE_TASK',
    existingTaskId: taskId,
  });
  assert.equal((await cut.enqueue(task, { uniqueFor: '1m', taskId })).state, 'pending');
  assert.equal(await redis.client.llen(keys.pending), 1);
});
