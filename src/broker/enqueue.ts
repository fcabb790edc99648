/** Stores new tasks: the caller of `enqueue.lua`. */
import type { Redis } from 'ioredis';
import { QUEUES, queueKeys, type QueueKeys } from '../wire/keys.ts';
import type { EnqueueCall, EnqueueEntry, EnqueueReply } from './broker.ts';
import type { Connection } from './connection.ts';
import type { BrokerContext } from './context.ts';
import { toList, toNumber } from './reply.ts';
import { runScript, type ScriptArgument } from './script.ts';

const STATUSES = ['conflict', 'pending', 'scheduled'] as const;

/** How long a call may still be repeated after its caller was told that no reply came. */
export const KEPT_SECONDS = 300;

/**
 * Stores tasks in one queue with one script, and answers for each of them in order. The queue is registered in the
 * same round trip at every call: a queue that was removed meanwhile would stay invisible otherwise (trap 27).
 */
export async function enqueue(
  context: BrokerContext,
  queue: string,
  entries: readonly EnqueueEntry[],
  call?: EnqueueCall,
): Promise<EnqueueReply[]> {
  if (entries.length === 0) return [];
  const keys = queueKeys(queue);
  const args = [
    context.offsetSeconds,
    keys.taskPrefix,
    ...nameOf(call),
    ...entries.flatMap(toArguments),
  ];
  const store = (redis: Redis): Promise<unknown> =>
    runScript(redis, 'enqueue', keysOf(keys, call), args);
  const reply = await registerAndStore(context.connection, queue, store, call?.withinMs);
  return readReplies(toList(reply));
}

/** In a Cluster one after the other: if the server with the names is away, nothing must be stored on another one. */
async function registerAndStore(
  connection: Connection,
  queue: string,
  store: (redis: Redis) => Promise<unknown>,
  withinMs: number = Number.POSITIVE_INFINITY,
): Promise<unknown> {
  const register = (redis: Redis): Promise<unknown> => redis.sadd(QUEUES, queue);
  if (!connection.isCluster) {
    const both = (redis: Redis): Promise<unknown[]> => Promise.all([register(redis), store(redis)]);
    return (await connection.run(both, { withinMs }))[1];
  }
  const end = performance.now() + withinMs;
  await connection.run(register, { key: QUEUES, withinMs });
  const key = queueKeys(queue).pending;
  return connection.run(store, { key, withinMs: Math.max(end - performance.now(), 1) });
}

function keysOf(keys: QueueKeys, call: EnqueueCall | undefined): string[] {
  const stores = [keys.pending, keys.scheduled];
  return call === undefined ? stores : [...stores, keys.calls(call.caller)];
}

/** One task out of a larger call has a slot of its own beside that call's. */
function nameOf(call: EnqueueCall | undefined): ScriptArgument[] {
  if (call === undefined) return ['', 0, 0, '', 0];
  const { slot, number, place, withinMs } = call;
  const seconds = KEPT_SECONDS + Math.ceil(withinMs / 1000);
  if (place === undefined) return [slot, number, seconds, '', 0];
  return [`${slot}.${place}`, number, seconds, slot, place];
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
