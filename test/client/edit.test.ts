/** `reschedule` and `updatePayload` as a producer meets them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import {
  Client,
  defineTask,
  DuplicateTaskError,
  InvalidOptionsError,
  InvalidPayloadError,
  PayloadTooLargeError,
  TaskNotFoundError,
  TaskStateError,
} from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const client = new Client({ redis: redis.url, maxPayloadSize: 10_000 });
after(() => client.close());
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 5_000 });
after(() => broker.close());
const keys = queueKeys('default');
const task = { type: 'mail', payload: { to: 'a' }, headers: { trace: 'x' } };

function textOf(info: { payload: Uint8Array } | undefined): string {
  return Buffer.from(info?.payload ?? []).toString();
}

async function leaseNext(): Promise<void> {
  const call = { queue: 'default', max: 1, leaseMs: 30_000, server: 'us', firstRun: 1 };
  assert.equal((await broker.lease(call)).tasks.length, 1);
}

test('a task is put off and brought forward, and answered as it stands then', async () => {
  await redis.client.flushall();
  const { id } = await client.enqueue(task, { processIn: '1h', retention: '1h' });
  const at = new Date(Date.now() + 7_200_000);
  const later = await client.reschedule({ id }, { processAt: at });
  assert.equal(later.state, 'scheduled');
  assert.equal(later.nextProcessAt?.getTime(), Math.ceil(at.getTime() / 1000) * 1000);
  assert.deepEqual(await client.getTask({ id }), later);
  const due = await client.reschedule(later, { now: true });
  assert.deepEqual(
    [due.state, 'nextProcessAt' in due, due.retention],
    ['pending', false, 3_600_000],
  );
  assert.equal(await redis.client.lindex(keys.pending, 0), id);
  const again = await client.reschedule({ id }, { processIn: '1m' });
  assert.equal(again.state, 'scheduled');
  assert.equal(await redis.client.llen(keys.pending), 0);
});

test('a running task is neither rescheduled nor given another payload', async () => {
  await redis.client.flushall();
  const info = await client.enqueue(task);
  await leaseNext();
  const refused = (error: unknown): boolean => {
    assert.ok(error instanceof TaskStateError, String(error));
    assert.deepEqual([error.state, error.taskId, error.queue], ['active', info.id, 'default']);
    assert.match(error.message, /cancel it/);
    return true;
  };
  await assert.rejects(client.reschedule(info, { processIn: '1h' }), refused);
  await assert.rejects(client.updatePayload(info, 'other'), refused);
  assert.equal(textOf(await client.getTask(info)), '{"to":"a"}');
});

test('a task in a group has no time of its own', async () => {
  await redis.client.flushall();
  const info = await client.enqueue(task, { group: 'g' });
  await assert.rejects(client.reschedule(info, { now: true }), (error) => {
    assert.ok(error instanceof TaskStateError);
    assert.match(error.message, /its group decides/);
    return true;
  });
  assert.equal(textOf(await client.updatePayload(info, 'b')), 'b');
});

test('a task that is not there is not found', async () => {
  await assert.rejects(client.reschedule({ id: 'no' }, { now: true }), TaskNotFoundError);
  await assert.rejects(client.updatePayload({ id: 'no', queue: 'low' }, 1), (error) => {
    assert.ok(error instanceof TaskNotFoundError);
    assert.deepEqual([error.taskId, error.queue], ['no', 'low']);
    return true;
  });
});

test('a payload is replaced, and everything else stays', async () => {
  await redis.client.flushall();
  const info = await client.enqueue(task, { processIn: '1h', maxRetry: 3, taskId: 'one' });
  const changed = await client.updatePayload(info, { to: 'b' });
  assert.deepEqual(changed, { ...info, payload: new Uint8Array(Buffer.from('{"to":"b"}')) });
  assert.deepEqual(await client.getTask(info), changed);
  assert.equal((await client.updatePayload(info, undefined)).payload.length, 0);
});

test('fields of a newer peer survive another payload', async () => {
  await redis.client.flushall();
  const info = await client.enqueue({ type: 't' });
  const stored = (await redis.client.hgetBuffer(keys.task(info.id), 'msg')) ?? Buffer.alloc(0);
  const unknown = Buffer.from('8a0103616263', 'hex');
  await redis.client.hset(keys.task(info.id), 'msg', Buffer.concat([stored, unknown]));
  await client.updatePayload(info, 'x');
  const edited = (await redis.client.hgetBuffer(keys.task(info.id), 'msg')) ?? Buffer.alloc(0);
  assert.ok(edited.subarray(-unknown.length).equals(unknown));
});

test('a payload is checked before anything is asked of Redis', async () => {
  await redis.client.flushall();
  const resize = defineTask({ type: 'resize', payload: v.object({ width: v.number() }) });
  const info = await client.enqueue(resize({ width: 1 }));
  assert.equal(textOf(await client.updatePayload(info, resize({ width: 2 }))), '{"width":2}');
  // @ts-expect-error the payload is typed by its schema
  const wrong = resize({ width: 'wide' });
  await assert.rejects(client.updatePayload(info, wrong), InvalidPayloadError);
  const other = defineTask({ type: 'other' });
  await assert.rejects(client.updatePayload(info, other(1)), InvalidOptionsError);
  await assert.rejects(client.updatePayload(info, 'x'.repeat(10_001)), PayloadTooLargeError);
  await assert.rejects(client.updatePayload(info, 1n), { code: 'ERR_NOT_SERIALIZABLE' });
  assert.equal(textOf(await client.getTask(info)), '{"width":2}');
});

test('the lock of a unique task moves with its payload', async () => {
  await redis.client.flushall();
  const info = await client.enqueue(task, { uniqueFor: '10m' });
  const other = await client.enqueue({ ...task, payload: 'taken' }, { uniqueFor: '10m' });
  await client.updatePayload(info, 'free');
  const lockOf = (payload?: string) =>
    redis.client.get(keys.unique('mail', payload === undefined ? undefined : Buffer.from(payload)));
  assert.deepEqual([await lockOf('{"to":"a"}'), await lockOf('free')], [null, info.id]);
  await client.enqueue(task, { uniqueFor: '10m' }); // its old payload is free again
  await assert.rejects(client.updatePayload(info, 'taken'), (error) => {
    assert.ok(error instanceof DuplicateTaskError);
    assert.equal(error.existingTaskId, other.id);
    return true;
  });
  assert.equal(textOf(await client.getTask(info)), 'free');
  await client.updatePayload(info, undefined); // no payload and an empty one have different locks
  assert.deepEqual([await lockOf('free'), await lockOf(), await lockOf('')], [null, info.id, null]);
  await client.updatePayload(info, '');
  assert.deepEqual([await lockOf(), await lockOf('')], [null, info.id]);
});

test('of updates at the same time each is whole, and the lock is that of the last', async () => {
  await redis.client.flushall();
  const info = await client.enqueue({ type: 'mail', payload: '0' }, { uniqueFor: '10m' });
  const clients = Array.from({ length: 8 }, () => new Client({ redis: redis.url }));
  const answers = await Promise.all(
    clients.map((each, index) => each.updatePayload(info, `${index + 1}`)),
  );
  await Promise.all(clients.map((each) => each.close()));
  assert.deepEqual(
    answers.map(textOf),
    clients.map((_, index) => `${index + 1}`),
  );
  const payload = textOf(await client.getTask(info));
  const locks = await redis.client.keys('*unique*');
  assert.deepEqual(locks, [keys.unique('mail', Buffer.from(payload))]);
});

test('what cannot be meant is refused by name', async () => {
  const info = { id: 'x' };
  for (const when of [{}, { now: false }, { processIn: -1 }, { processAt: 0 }, 'soon', undefined]) {
    await assert.rejects(client.reschedule(info, when as { now: true }), InvalidOptionsError);
  }
  await assert.rejects(client.reschedule({ id: '' }, { now: true }), InvalidOptionsError);
  await assert.rejects(client.updatePayload({ id: 'x', queue: '{' }, 1), InvalidOptionsError);
});
