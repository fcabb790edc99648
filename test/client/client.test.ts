import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import {
  Client,
  defineTask,
  EnqueueUncertainError,
  InvalidOptionsError,
  InvalidPayloadError,
  PayloadTooLargeError,
  RedisUnreachableError,
  TaskIdConflictError,
} from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { useRedis } from '../helpers/redis.ts';
import { swallowingProxy } from '../helpers/proxy.ts';

const redis = await useRedis();
const keys = queueKeys('default');

async function withClient<T>(
  act: (client: Client) => Promise<T>,
  options: ConstructorParameters<typeof Client>[0] = {},
): Promise<T> {
  const client = new Client({ redis: redis.url, ...options });
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

test('an enqueued task stands in Redis as the protocol says, with rounded values in its TaskInfo', () =>
  withClient(async (client) => {
    const info = await client.enqueue(
      { type: 'email:send', payload: { user_id: 42 }, headers: { trace: 'abc' } },
      { timeout: '500ms', retention: 1_200, maxRetry: Number.POSITIVE_INFINITY },
    );
    assert.deepEqual(
      [info.state, info.timeout, info.retention, info.maxRetry],
      ['pending', 1_000, 2_000, Number.POSITIVE_INFINITY],
    );
    const message = decodeTaskMessage(
      (await redis.client.hgetBuffer(keys.task(info.id), 'msg')) ?? Buffer.alloc(0),
    );
    assert.deepEqual(
      [message.type, Buffer.from(message.payload).toString(), message.headers],
      ['email:send', '{"user_id":42}', { trace: 'abc' }],
    );
    assert.deepEqual([message.timeout, message.retention, message.retry], [1, 2, 2_147_483_647]);
    assert.equal(await redis.client.lindex(keys.pending, 0), info.id);
    assert.ok(await redis.client.sismember('asynq:queues', 'default'));
  }));

test('processIn and processAt schedule, never early; an instant in the past means now', () =>
  withClient(async (client) => {
    const soon = await client.enqueue({ type: 't' }, { processIn: '1h30m' });
    assert.equal(soon.state, 'scheduled');
    const at = new Date(Date.now() + 60_500);
    const exact = await client.enqueue({ type: 't' }, { processAt: at });
    assert.equal(exact.nextProcessAt?.getTime(), Math.ceil(at.getTime() / 1_000) * 1_000);
    const score = await redis.client.zscore(keys.scheduled, exact.id);
    assert.equal(Number(score), Math.ceil(at.getTime() / 1_000));
    const past = await client.enqueue({ type: 't' }, { processAt: new Date(0 + 1_000) });
    assert.equal(past.state, 'pending');
  }));

test('a task ID that exists is a typed conflict, in its queue only', () =>
  withClient(async (client) => {
    await client.enqueue({ type: 't' }, { taskId: 'same' });
    await assert.rejects(client.enqueue({ type: 't' }, { taskId: 'same' }), (error) => {
      assert.ok(error instanceof TaskIdConflictError);
      assert.deepEqual(
        [error.code, error.taskId, error.queue],
        ['ERR_TASK_ID_CONFLICT', 'same', 'default'],
      );
      return true;
    });
    await client.enqueue({ type: 't' }, { taskId: 'same', queue: 'other' });
  }));

test('enqueueMany answers per item, with few round trips', () =>
  withClient(async (client) => {
    const before = await commandsProcessed();
    const results = await client.enqueueMany([
      ...Array.from({ length: 1_000 }, (_, index) => ({ task: { type: 'many', payload: index } })),
      { task: { type: '' } },
      { task: { type: 'many' }, options: { taskId: 'twice' } },
      { task: { type: 'many' }, options: { taskId: 'twice' } },
    ]);
    assert.equal(results.filter((result) => result.ok).length, 1_001);
    const codes = results.flatMap((result) =>
      result.ok ? [] : [Reflect.get(result.error, 'code')],
    );
    assert.deepEqual(codes, ['ERR_INVALID_OPTIONS', 'ERR_TASK_ID_CONFLICT']);
    const scripts = (await commandsProcessed()) - before;
    assert.ok(scripts < 20, `${scripts} script calls for 1,000 tasks`);
  }));

/** Script calls so far. */
async function commandsProcessed(): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return ['evalsha', 'eval']
    .map((name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0))
    .reduce((sum, calls) => sum + calls);
}

test('every wrong option is named with its value, all at once', () =>
  withClient(async (client) => {
    await assert.rejects(
      client.enqueue({ type: 't' }, { timeout: 'soon', maxRetry: -1, queue: ' ' }),
      (error) => {
        assert.ok(error instanceof InvalidOptionsError);
        assert.deepEqual(error.issues.map((issue) => issue.name).sort(), [
          'maxRetry',
          'queue',
          'timeout',
        ]);
        assert.match(error.message, /timeout is "soon", accepts/);
        return true;
      },
    );
  }));

test('a payload over maxPayloadSize is refused', () =>
  withClient(
    (client) =>
      assert.rejects(client.enqueue({ type: 't', payload: 'x'.repeat(11) }), PayloadTooLargeError),
    {
      maxPayloadSize: 10,
    },
  ));

const resize = defineTask({
  type: 'image:resize',
  payload: v.object({ width: v.number() }),
  timeout: '90s',
  retries: 3,
  retention: '1h',
});

test('defineTask sets timeout and retries at enqueue and validates the payload there', () =>
  withClient(async (client) => {
    const info = await client.enqueue(resize({ width: 10 }));
    assert.deepEqual(
      [info.type, info.timeout, info.maxRetry, info.retention],
      ['image:resize', 90_000, 3, 3_600_000],
    );
    const other = await client.enqueue(resize({ width: 10 }), { maxRetry: 1 });
    assert.equal(other.maxRetry, 1);
    // @ts-expect-error the payload is typed by its schema
    const wrong = resize({ width: 'wide' });
    await assert.rejects(client.enqueue(wrong), (error) => {
      assert.ok(error instanceof InvalidPayloadError);
      assert.match(error.message, /width/);
      return true;
    });
  }));

test('a result is read back with the type of its definition', () => {
  const task = defineTask<string, { words: number }>({ type: 'count' });
  const result = task.parseResult(Buffer.from('{"words":3}'));
  const words: number = result.words;
  assert.equal(words, 3);
});

test('options that break the protocol are refused at construction', () => {
  assert.throws(() => new Client({ redis: { keyPrefix: 'my:' } }), InvalidOptionsError);
  assert.throws(() => new Client({ redis: redis.url, connectTimeout: -1 }), InvalidOptionsError);
});

test('an ioredis instance stays the caller’s', async () => {
  const own = new Redis({ path: redis.socket });
  const client = new Client({ redis: own });
  await client.enqueue({ type: 't' });
  await client.close();
  assert.equal(await own.ping(), 'PONG');
  own.disconnect();
});

test('a Redis that is not there fails within the connect timeout, and nothing was sent', async () => {
  const client = new Client({ redis: 'redis-socket:///nowhere.sock', connectTimeout: 200 });
  const ms = await givenTimeOf(() =>
    assert.rejects(client.enqueue({ type: 't' }), RedisUnreachableError),
  );
  assert.ok(ms < 3_000, `${ms} ms`);
  await client.close();
});

test('a reply that never comes says that the task may be stored, and a repeat with its ID is safe', async () => {
  const proxy = await swallowingProxy(redis.socket);
  const client = new Client({ redis: { path: proxy.socket }, connectTimeout: 2_000 });
  await client.enqueue({ type: 't' });
  proxy.swallowReplies();
  const error: unknown = await client.enqueue({ type: 't' }).catch((caught: unknown) => caught);
  assert.ok(error instanceof EnqueueUncertainError, String(error));
  assert.equal(error.code, 'ERR_ENQUEUE_UNCERTAIN');
  await client.close();
  await proxy.close();
  await withClient((again) =>
    assert.rejects(again.enqueue({ type: 't' }, { taskId: error.taskId }), TaskIdConflictError),
  );
});

test('getTask names what is no task, and sends nothing', async () => {
  const client = new Client({ redis: 'redis://127.0.0.1:1' });
  const refused = async (task: unknown): Promise<string> => {
    const error: unknown = await client.getTask(task as { id: string }).catch((e: unknown) => e);
    assert.ok(error instanceof InvalidOptionsError);
    return error.message;
  };
  try {
    assert.match(await refused('abc'), /task is "abc", accepts an object with an id/);
    assert.match(await refused(undefined), /accepts an object with an id/);
    assert.match(await refused({ id: 5 }), /task\.id is 5/);
    assert.match(await refused({ id: 'x', queue: 7 }), /task\.queue is 7/);
  } finally {
    await client.close();
  }
});

test('getTask answers undefined for a task that is gone', () =>
  withClient(async (client) => {
    assert.equal(await client.getTask({ id: 'never' }), undefined);
  }));

test('a closed client says so', async () => {
  const client = new Client({ redis: redis.url });
  await client.close();
  await assert.rejects(client.enqueue({ type: 't' }), { code: 'ERR_CLIENT_CLOSED' });
  await assert.rejects(client.cancel('x'), { code: 'ERR_CLIENT_CLOSED' });
});
