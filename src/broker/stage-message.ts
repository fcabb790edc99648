/**
 * Large messages of new tasks: they are written into a hash of their own, which the script that stores the task puts in its
 * place in one step. For peers the task is there whole or not at all.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RedisReplyError } from '../errors.ts';
import { queueKeys } from '../wire/keys.ts';
import type { EnqueueEntry } from './broker.ts';
import type { BrokerContext } from './context.ts';
import { asBuffer } from './reply.ts';

/** Messages from this size on do not go through the script: 10 MB would hold Redis for 40 ms there, 6 ms outside. */
const LARGE_BYTES = 131_072;
/** Longer than any call takes. Seconds. */
const STAGED_SECONDS = 600;

/** Whether the message is to be staged. */
export function isLargeEntry({ message }: EnqueueEntry): boolean {
  return message.length >= LARGE_BYTES;
}

/**
 * Writes a message to a key of its own. The key expires if the script never comes; it does so before it holds much. Rejects
 * with what Redis refuses.
 */
export async function stageMessage(redis: Redis, key: string, message: Uint8Array): Promise<void> {
  await Promise.all([
    redis.hset(key, 'state', ''),
    redis.expire(key, STAGED_SECONDS),
    redis.hset(key, 'msg', asBuffer(message)),
  ]);
}

/** Where a large message was written; `undefined` for any other, and where Redis is full: then it goes with the script. */
export async function stageEntry(
  context: BrokerContext,
  queue: string,
  entry: EnqueueEntry,
): Promise<string | undefined> {
  if (!isLargeEntry(entry)) return undefined;
  const key = queueKeys(queue).staged(randomUUID());
  try {
    await context.connection.run((redis) => stageMessage(redis, key, entry.message), { key });
    return key;
  } catch (error) {
    unstageEntry(context, key);
    if (error instanceof RedisReplyError) return undefined;
    throw error;
  }
}

/** Deletes what no script has taken. It would go by itself. */
export function unstageEntry({ connection }: BrokerContext, key: string): void {
  connection.run((redis) => redis.unlink(key), { key }).catch(() => undefined);
}
