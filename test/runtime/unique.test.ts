/** Unique tasks through a whole server: who is let in again, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const server = await fleet.start({ retryDelay: () => '1h' });
const { client, redis } = fleet;
const keys = queueKeys('default');

/** Enqueues a unique task, waits for how it ends, and answers who holds its lock then. */
async function lockAfter(
  end: 'succeeded' | 'revoked' | 'retried' | 'archived',
  task: { type: string; payload?: object },
  options: { maxRetry?: number; retention?: string } = {},
): Promise<'held' | 'free'> {
  const ended = next(server, end, ({ task: { type } }) => type === task.type);
  const { id } = await client.enqueue(task, { ...options, uniqueFor: '10m' });
  await ended;
  const bytes = task.payload && Buffer.from(JSON.stringify(task.payload));
  const holder = await redis.client.get(keys.unique(task.type, bytes));
  const again = client.enqueue(task, { ...options, uniqueFor: '10m', processIn: '1h' });
  if (holder !== id) {
    assert.equal(holder, null);
    assert.equal((await again).state, 'scheduled');
    return 'free';
  }
  await assert.rejects(again, { code: 'ERR_DUPLICATE_TASK', existingTaskId: id });
  return 'held';
}

test('a success releases the lock, with and without a retention', async () => {
  assert.equal(await lockAfter('succeeded', { type: 'ok' }), 'free');
  const kept = { type: 'ok', payload: { kept: true } };
  assert.equal(await lockAfter('succeeded', kept, { retention: '1h' }), 'free');
});

test('a revocation releases the lock', async () => {
  const task = { type: 'verdict', payload: { verdict: 'revoke' } };
  assert.equal(await lockAfter('revoked', task), 'free');
});

test('a retry keeps the lock', async () => {
  assert.equal(await lockAfter('retried', { type: 'fail' }), 'held');
});

test('the archive keeps the lock', async () => {
  const task = { type: 'fail', payload: { other: true } };
  assert.equal(await lockAfter('archived', task, { maxRetry: 0 }), 'held');
});

test('a handler enqueues unique and group tasks with the same answers as a client', async () => {
  const ended = next(server, 'succeeded', ({ task }) => task.type === 'enqueue-more');
  const { id } = await client.enqueue({ type: 'enqueue-more' }, { retention: '1h' });
  await ended;
  const result: unknown = JSON.parse(
    Buffer.from((await client.getTask({ id }))?.result ?? []).toString(),
  );
  const inner = queueKeys('inner');
  const first = await redis.client.get(inner.unique('ok', Buffer.from('inner')));
  assert.deepEqual(result, {
    first,
    code: 'ERR_DUPLICATE_TASK',
    existing: first,
    many: ['aggregating', 'pending', 'ERR_DUPLICATE_TASK'],
  });
  // No payload crosses the border of the thread as none: its lock is not that of an empty one.
  assert.equal(await redis.client.exists(inner.unique('ok', undefined)), 1);
  const [grouped = ''] = await redis.client.zrange(inner.group('g'), '0', '-1');
  const info = await client.getTask({ id: grouped, queue: 'inner' });
  assert.deepEqual([info?.group, info?.headers], ['g', { from: 'inner' }]);
});

test('an archived task gets another payload and another chance', async () => {
  const archived = next(server, 'archived');
  const task = { type: 'verdict', payload: { verdict: 'skip' } };
  const { id } = await client.enqueue(task, { taskId: 'mend-me' });
  await archived;
  const revoked = next(server, 'revoked', (event) => event.task.id === id);
  await client.updatePayload({ id }, { verdict: 'revoke' });
  await client.reschedule({ id }, { now: true });
  await revoked;
  assert.equal(await client.getTask({ id }), undefined);
});
