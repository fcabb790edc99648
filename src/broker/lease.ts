/** Takes tasks and keeps them: the caller of `lease.lua` and `extend.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { LeasedTask, LeaseReply } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { elapsedMs, optional, toBytes, toList, toNumber, toText } from './reply.ts';

/** Bytes of messages at which one call stops: more would hold up Redis for others. */
const BYTE_LIMIT = 1_048_576;

/** Leases up to `max` tasks of a queue for `leaseMs`. A paused queue gives none. */
export async function lease(
  context: BrokerContext,
  queue: string,
  max: number,
  leaseMs: number,
): Promise<LeaseReply> {
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'lease',
    [keys.paused, keys.pending, keys.active, keys.lease],
    [context.offsetSeconds, keys.taskPrefix, max, leaseMs, BYTE_LIMIT],
  );
  const [left, now, tasks, dropped] = toList(reply);
  return {
    tasks: readTasks(toList(tasks), toText(now)),
    dropped: toList(dropped).map(toText),
    more: toNumber(left) > 0,
  };
}

function readTasks(reply: readonly unknown[], now: string): LeasedTask[] {
  const tasks: LeasedTask[] = [];
  for (let i = 0; i < reply.length; i += 3) {
    tasks.push({
      id: toText(reply[i]),
      message: optional(reply[i + 1], toBytes),
      waitedMs: elapsedMs(optional(reply[i + 2], toText), now),
    });
  }
  return tasks;
}

/** Extends leases to `leaseMs` from now; answers the IDs whose lease was gone. */
export async function extend(
  context: BrokerContext,
  queue: string,
  taskIds: readonly string[],
  leaseMs: number,
): Promise<string[]> {
  if (taskIds.length === 0) return [];
  const args = [context.offsetSeconds, leaseMs, ...taskIds];
  const gone = await call(context, 'extend', [queueKeys(queue).lease], args);
  return toList(gone).map(toText);
}
