import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const server = await fleet.start({ retryDelay: () => '1h' });
const { client, redis } = fleet;
const keys = queueKeys('default');

async function stored(
  id: string,
): Promise<{ state: string; message: ReturnType<typeof decodeTaskMessage> }> {
  const message = await redis.client.hgetBuffer(keys.task(id), 'msg');
  const state = await redis.client.hget(keys.task(id), 'state');
  assert.ok(message !== null && state !== null, `task ${id} is gone`);
  return { state, message: decodeTaskMessage(message) };
}

test('a task without retention is gone after it succeeded', async () => {
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'ok' });
  assert.equal((await done).isKept, false);
  assert.equal(await client.getTask({ id }), undefined);
  assert.equal(await redis.client.exists(keys.task(id)), 0);
});

test('a task with retention keeps what its handler returned', async () => {
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'ok', payload: { a: 1 } }, { retention: '1m' });
  assert.equal((await done).isKept, true);
  const task = await client.getTask({ id });
  assert.equal(task?.state, 'completed');
  assert.ok(
    task.completedAt !== undefined && Math.abs(task.completedAt.getTime() - Date.now()) < 5_000,
  );
  const result = JSON.parse(Buffer.from(task.result ?? []).toString()) as {
    id: string;
    got: unknown;
  };
  assert.deepEqual({ id: result.id, got: result.got }, { id, got: { a: 1 } });
});

test('ctx.setResult overrides the return value', async () => {
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'result' }, { retention: '1m' });
  await done;
  const task = await client.getTask({ id });
  assert.equal(Buffer.from(task?.result ?? []).toString(), 'set, not returned');
});

test('bytes come back as they went in, a megabyte of them too', async () => {
  const payload = new Uint8Array(1_048_576).map((_, index) => index % 256);
  const done = next(server, 'succeeded');
  const { id } = await client.enqueue({ type: 'echo', payload }, { retention: '1m' });
  await done;
  const task = await client.getTask({ id });
  assert.ok(task?.result !== undefined && Buffer.from(task.result).equals(payload));
  assert.ok(Buffer.from(task.payload).equals(payload));
});

test('a thrown error is retried with its text, one retry spent, both counters grown', async () => {
  const before = await redis.client.mget(keys.processed, keys.failed);
  const failed = next(server, 'failed');
  const retried = next(server, 'retried');
  const { id } = await client.enqueue({ type: 'fail' });
  const { error, reason } = await failed;
  assert.equal(reason, 'error');
  assert.equal(error.name, 'RangeError');
  assert.equal(error.message, 'boom 0');
  assert.match(error.stack ?? '', /fail\.js/);
  assert.equal((error.cause as Error).message, 'root');
  assert.deepEqual(
    [Reflect.get(error, 'code'), Reflect.get(error, 'detail')],
    ['ERR_BOOM', { row: 7 }],
  );
  assert.deepEqual(
    { ...(await retried), error: 0, task: 0 },
    {
      error: 0,
      task: 0,
      delayMs: 3_600_000,
      counts: true,
      reason: 'failure',
    },
  );
  const { state, message } = await stored(id);
  assert.equal(state, 'retry');
  assert.deepEqual([message.retried, message.errorMsg], [1, 'boom 0']);
  const after = await redis.client.mget(keys.processed, keys.failed);
  assert.deepEqual(
    after.map(Number),
    before.map((count) => Number(count) + 1),
  );
});

test('a task without retries left is archived', async () => {
  const archived = next(server, 'archived');
  const { id } = await client.enqueue({ type: 'fail' }, { maxRetry: 0 });
  assert.equal((await archived).error.message, 'boom 0');
  const { state, message } = await stored(id);
  assert.deepEqual([state, message.retried, message.errorMsg], ['archived', 0, 'boom 0']);
});

for (const verdict of ['skip', 'wrapped']) {
  test(`SkipRetry archives at once (${verdict})`, async () => {
    const archived = next(server, 'archived');
    const { id } = await client.enqueue({ type: 'verdict', payload: { verdict } });
    await archived;
    const { state, message } = await stored(id);
    assert.deepEqual([state, message.retried], ['archived', 0]);
    assert.equal(message.errorMsg, verdict === 'skip' ? 'no use' : 'outer');
  });
}

test('RevokeTask deletes the task and counts it as processed, not failed, whatever its retention', async () => {
  const before = await redis.client.mget(keys.processed, keys.failed);
  const revoked = next(server, 'revoked');
  const { id } = await client.enqueue(
    { type: 'verdict', payload: { verdict: 'revoke' } },
    { retention: '1h' },
  );
  await revoked;
  assert.equal(await redis.client.exists(keys.task(id)), 0);
  const after = await redis.client.mget(keys.processed, keys.failed);
  assert.deepEqual(after.map(Number), [Number(before[0]) + 1, Number(before[1])]);
});

test('RetryLater waits its own delay, spends and counts nothing, also with no retries left', async () => {
  const before = await redis.client.mget(keys.processed, keys.failed);
  const retried = next(server, 'retried');
  const { id } = await client.enqueue(
    { type: 'verdict', payload: { verdict: 'later' } },
    { maxRetry: 0 },
  );
  const event = await retried;
  assert.deepEqual([event.delayMs, event.counts, event.reason], [3_600_000, false, 'retry_later']);
  const { state, message } = await stored(id);
  assert.deepEqual([state, message.retried, message.errorMsg], ['retry', 0, 'not now']);
  assert.deepEqual(await redis.client.mget(keys.processed, keys.failed), before);
});

test("a handler's own isFailure and retryDelay see the real error", async () => {
  const busy = next(server, 'retried');
  await client.enqueue({ type: 'own-answers', payload: { busy: true } });
  const first = await busy;
  assert.deepEqual([first.counts, first.reason, first.delayMs], [false, 'not_failure', 90_000]);
  const broken = next(server, 'retried');
  await client.enqueue({ type: 'own-answers', payload: { busy: false, delay: 1_500 } });
  const second = await broken;
  assert.deepEqual([second.counts, second.delayMs], [true, 1_500]);
});

test('a delay of a handler that is no duration is replaced by the default and reported', async () => {
  const fault = next(server, 'fault');
  const retried = next(server, 'retried');
  await client.enqueue({ type: 'own-answers', payload: { busy: false, delay: 'soon' } });
  assert.match((await fault).where, /retry delay/);
  const { delayMs } = await retried;
  assert.ok(delayMs >= 15_000 && delayMs <= 44_000, `${delayMs} ms`);
});

test('a payload that does not fit its schema is archived at once with the issues', async () => {
  const failed = next(server, 'failed');
  const { id } = await client.enqueue({ type: 'picky', payload: { width: 'x' } });
  assert.equal((await failed).reason, 'invalid_payload');
  const { state, message } = await stored(id);
  assert.equal(state, 'archived');
  assert.match(message.errorMsg, /width: expected a number/);
});

test('a type without handler fails like any error and is retried', async () => {
  const failed = next(server, 'failed');
  const { id } = await client.enqueue({ type: 'nobody:knows' });
  const { error, reason } = await failed;
  assert.equal(reason, 'not_found');
  assert.equal(error.message, 'handler not found for task "nobody:knows"');
  const { state, message } = await stored(id);
  assert.deepEqual([state, message.retried], ['retry', 1]);
});

test("a handler's retries and timeout are upper bounds", async () => {
  const archived = next(server, 'archived');
  const failed = next(server, 'failed');
  const { id } = await client.enqueue({ type: 'bounded' }, { maxRetry: 9, timeout: '1h' });
  assert.equal((await failed).reason, 'timeout');
  await archived;
  assert.equal((await stored(id)).message.errorMsg, 'context deadline exceeded');
});

test('a task whose deadline is past fails without its handler being called', async () => {
  const started: unknown[] = [];
  const listener = (event: unknown): void => void started.push(event);
  server.on('started', listener);
  const failed = next(server, 'failed');
  await client.enqueue({ type: 'ok' }, { deadline: Date.now() - 5_000 });
  assert.equal((await failed).error.message, 'context deadline exceeded');
  server.off('started', listener);
  assert.deepEqual(started, []);
});

test('bytes that cannot be read are archived in the same round as a message that can', async () => {
  const bad = Buffer.from([0x0a, 0xff, 0x01, 0xfe]);
  await redis.client.hset(keys.task('bad'), 'msg', bad, 'state', 'pending');
  const failed = next(server, 'failed');
  const archived = next(server, 'archived');
  await redis.client.lpush(keys.pending, 'bad');
  assert.equal((await failed).reason, 'undecodable');
  await archived;
  const { state, message } = await stored('bad');
  assert.equal(state, 'archived');
  assert.deepEqual(
    [message.type, message.id, message.queue],
    ['threadmill:undecodable', 'bad', 'default'],
  );
  assert.ok(Buffer.from(message.payload).equals(bad));
  assert.match(message.errorMsg, /undecodable/);
  assert.equal(await redis.client.llen(keys.active), 0);
  assert.equal(await redis.client.zcard(keys.lease), 0);
});

test('a message that names another task than its key is not run under that name', async () => {
  const other = await client.enqueue({ type: 'ok' }, { processIn: '1h' });
  const bytes = await redis.client.hgetBuffer(keys.task(other.id), 'msg');
  await redis.client.hset(keys.task('impostor'), 'msg', bytes ?? '', 'state', 'pending');
  const failed = next(server, 'failed');
  await redis.client.lpush(keys.pending, 'impostor');
  const { task, reason } = await failed;
  assert.deepEqual([task.id, reason], ['impostor', 'undecodable']);
  assert.equal((await stored(other.id)).state, 'scheduled');
});

test('an ID without hash is dropped and leaves no trace', async () => {
  const dropped = next(server, 'dropped');
  await redis.client.lpush(keys.pending, 'ghost');
  assert.deepEqual(await dropped, { queue: 'default', taskId: 'ghost' });
  assert.equal(await redis.client.exists(keys.task('ghost')), 0);
  // Not "nothing is active": the task of the test before may not be settled yet.
  for (const list of [keys.active, keys.pending])
    assert.equal(await redis.client.lpos(list, 'ghost'), null);
});

test('a task that was unique releases its lock when it succeeds', async () => {
  const lock = `${keys.prefix}unique:ok:`;
  const { id } = await client.enqueue({ type: 'ok' }, { processIn: '1h' });
  const raw = await redis.client.hgetBuffer(keys.task(id), 'msg');
  const { encodeTaskMessage } = await import('../../src/wire/task-message.ts');
  const unique = encodeTaskMessage({
    ...decodeTaskMessage(raw ?? Buffer.alloc(0)),
    uniqueKey: lock,
  });
  await redis.client.hset(keys.task(id), 'msg', Buffer.from(unique), 'unique_key', lock);
  await redis.client.set(lock, id, 'EX', 100);
  const done = next(server, 'succeeded');
  await redis.client.zadd(keys.scheduled, 1, id);
  await done;
  assert.equal(await redis.client.exists(lock), 0);
});
