/** What the tests of owners share. */
import type { Redis } from 'ioredis';
import type { Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { rewriteTaskMessage, type StampedMessage } from '../../src/wire/task-message.ts';
import { message, QUEUE } from './tasks.ts';

/** The message of task A after a failure. */
export const failed: StampedMessage = rewriteTaskMessage(message('A'), {
  errorMsg: 'died',
  stamp: 'lastFailedAt',
});

/** Every way to end an attempt of task A. */
export const everyKind: readonly Settlement[] = [
  { kind: 'done', id: 'A', uniqueKey: '' },
  { kind: 'complete', id: 'A', uniqueKey: '', message: failed, retentionSeconds: 5 },
  { kind: 'retry', id: 'A', message: failed, delayMs: 1000, counts: true, mark: 'crash' },
  { kind: 'archive', id: 'A', message: failed, mark: 'crash' },
  { kind: 'requeue', id: 'A', mark: 'suspect' },
];

/** All that a Go server writes when it recovers a task whose lease is over, and then runs it (protocol 9.5, 10.1, 9.1). */
export async function goTakesOver(client: Redis, id: string, leaseAt: number): Promise<void> {
  const keys = queueKeys(QUEUE);
  const task = keys.task(id);
  const retried = message(id, { retried: 1, errorMsg: 'asynq: task lease expired' });
  await client
    .multi()
    .lrem(keys.active, 0, id)
    .zrem(keys.lease, id)
    .zadd(keys.retry, leaseAt - 30, id)
    .hset(task, 'msg', retried, 'state', 'retry')
    .zrem(keys.retry, id)
    .lpush(keys.pending, id)
    .hset(task, 'state', 'pending', 'pending_since', '1700000000000000000')
    .rpoplpush(keys.pending, keys.active)
    .hset(task, 'state', 'active')
    .hdel(task, 'pending_since')
    .zadd(keys.lease, leaseAt, id)
    .exec();
}

/** Every key of Redis, byte for byte. */
export async function bytesOf(client: Redis): Promise<Record<string, string>> {
  const bytes: Record<string, string> = {};
  for (const key of (await client.keys('*')).sort()) {
    bytes[key] = (await client.dumpBuffer(key)).toString('hex');
  }
  return bytes;
}
