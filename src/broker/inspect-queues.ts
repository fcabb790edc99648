/** Reads the state of queues: the caller of `queue-info.lua`, `history.lua` and `groups.lua`. */
import { QUEUES, queueKeys } from '../wire/keys.ts';
import type { DayCounts, GroupSize, QueueInfo } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { elapsedMs, optional, toList, toNumber, toText } from './reply.ts';

/** Names of all queues that anybody has enqueued into, sorted. */
export async function queues(context: BrokerContext): Promise<string[]> {
  const names = await context.connection.run((redis) => redis.smembers(QUEUES), { key: QUEUES });
  return names.sort();
}

/** Whether a queue of this name is registered. */
export async function hasQueue({ connection }: BrokerContext, queue: string): Promise<boolean> {
  const isMember = await connection.run((redis) => redis.sismember(QUEUES, queue), { key: QUEUES });
  return isMember === 1;
}

/** Counters of the last `days` UTC days, today first (protocol 13.4). */
export async function history(
  context: BrokerContext,
  queue: string,
  days: number,
): Promise<DayCounts[]> {
  const { processed, failed } = queueKeys(queue);
  const args = [context.offsetSeconds, days];
  const reply = toList(await call(context, 'history', [processed, failed], args));
  return Array.from({ length: reply.length / 3 }, (_, i) => ({
    day: toText(reply[3 * i]),
    processed: optional(reply[3 * i + 1], toNumber) ?? 0,
    failed: optional(reply[3 * i + 2], toNumber) ?? 0,
  }));
}

/** Groups with the number of tasks that wait in each, by name (protocol 13.7). */
export async function groupSizes(context: BrokerContext, queue: string): Promise<GroupSize[]> {
  const keys = queueKeys(queue);
  const reply = toList(await call(context, 'groups', [keys.groups], [keys.group('')]));
  const groups = Array.from({ length: reply.length / 2 }, (_, i) => ({
    name: toText(reply[2 * i]),
    size: toNumber(reply[2 * i + 1]),
  }));
  return groups.sort((a, b) => (a.name < b.name ? -1 : 1));
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
    groups: number(15),
    processedToday: number(13),
    failedToday: number(14),
    processedTotal: number(9),
    failedTotal: number(10),
    isPaused: number(7) === 1,
    takenAt: new Date(Math.floor(toNumber(reply[12]) / 1e6)),
  };
}
