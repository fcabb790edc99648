/** Stores new tasks: the caller of `enqueue.lua`. */
import { QUEUES, queueKeys } from '../wire/keys.ts';
import type { EnqueueEntry, EnqueueReply } from './broker.ts';
import type { BrokerContext } from './context.ts';
import { toList, toNumber } from './reply.ts';
import { runScript, type ScriptArgument } from './script.ts';

const STATUSES = ['conflict', 'pending', 'scheduled'] as const;

/**
 * Stores tasks in one queue with one script, and answers for each of them in order. The queue is registered in the
 * same round trip at every call: a queue that was removed meanwhile would stay invisible otherwise (trap 27).
 */
export async function enqueue(
  context: BrokerContext,
  queue: string,
  entries: readonly EnqueueEntry[],
): Promise<EnqueueReply[]> {
  if (entries.length === 0) return [];
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, ...entries.flatMap(toArguments)];
  const [, reply] = await context.connection.run((redis) =>
    Promise.all([
      redis.sadd(QUEUES, queue),
      runScript(redis, 'enqueue', [keys.pending, keys.scheduled], args),
    ]),
  );
  return readReplies(toList(reply));
}

function toArguments({ taskId, message, when }: EnqueueEntry): ScriptArgument[] {
  if (when === undefined) return [taskId, message, 'now', 0];
  return 'at' in when ? [taskId, message, 'at', when.at] : [taskId, message, 'in', when.in];
}

function readReplies(reply: readonly unknown[]): EnqueueReply[] {
  const replies: EnqueueReply[] = [];
  for (let i = 0; i < reply.length; i += 2) {
    const status = STATUSES[toNumber(reply[i])] ?? 'conflict';
    replies.push(status === 'conflict' ? { status } : { status, at: toNumber(reply[i + 1]) });
  }
  return replies;
}
