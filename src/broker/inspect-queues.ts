/** Reads the state of queues: the caller of `queue-info.lua`. */
import { QUEUES, queueKeys } from '../wire/keys.ts';
import type { QueueInfo } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { elapsedMs, optional, toList, toNumber, toText } from './reply.ts';

/** Names of all queues that anybody has enqueued into, sorted. */
export async function queues(context: BrokerContext): Promise<string[]> {
  const names = await context.connection.run((redis) => redis.smembers(QUEUES), { key: QUEUES });
  return names.sort();
}

/** Figures of one queue (protocol 13.2). A queue that does not exist reads as an empty one. */
export async function queueInfo(context: BrokerContext, queue: string): Promise<QueueInfo> {
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'queue-info',
    [
      keys.pending,
      keys.active,
      keys.scheduled,
      keys.retry,
      keys.archived,
      keys.completed,
      keys.paused,
      keys.processed,
      keys.failed,
      keys.groups,
    ],
    [context.offsetSeconds, keys.taskPrefix, keys.group('')],
  );
  return readInfo(queue, toList(reply));
}

function readInfo(queue: string, reply: readonly unknown[]): QueueInfo {
  const number = (index: number): number => optional(reply[index], toNumber) ?? 0;
  const counts = {
    pending: number(0),
    active: number(1),
    scheduled: number(2),
    retry: number(3),
    archived: number(4),
    completed: number(5),
    aggregating: number(6),
  };
  return {
    queue,
    counts,
    size: Object.values(counts).reduce((sum, count) => sum + count, 0),
    latencyMs: elapsedMs(optional(reply[11], toText), toText(reply[12])) ?? 0,
    memoryBytes: number(8),
    processedTotal: number(9),
    failedTotal: number(10),
    isPaused: number(7) === 1,
  };
}
