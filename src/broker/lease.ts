/** Takes tasks and keeps them: the caller of `lease.lua` and `extend.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { ExtendReply, LeasedTask, LeaseReply } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { elapsedMs, optional, toBytes, toList, toNumber, toText } from './reply.ts';

/** Bytes of messages at which one call stops: more would hold up Redis for others. */
const BYTE_LIMIT = 1_048_576;

/** Leases up to `max` tasks of a queue to `owner` for `leaseMs`. A paused queue gives none. */
export async function lease(
  context: BrokerContext,
  queue: string,
  max: number,
  leaseMs: number,
  owner: string,
): Promise<LeaseReply> {
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'lease',
    [keys.paused, keys.pending, keys.active, keys.lease],
    [context.offsetSeconds, keys.taskPrefix, max, leaseMs, BYTE_LIMIT, owner],
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
  for (let i = 0; i < reply.length; i += 5) {
    tasks.push({
      id: toText(reply[i]),
      message: optional(reply[i + 1], toBytes),
      waitedMs: elapsedMs(optional(reply[i + 2], toText), now),
      ...readDeaths(reply[i + 3], reply[i + 4]),
    });
  }
  return tasks;
}

/** What earlier deaths left beside a task. Any other text than our own reads as none: the hash is open to everybody. */
export function readDeaths(
  crashes: unknown,
  suspect: unknown,
): Pick<LeasedTask, 'crashes' | 'isSuspect'> {
  const count = optional(crashes, toText) ?? '';
  return {
    crashes: /^\d{1,9}$/.test(count) ? Number(count) : 0,
    isSuspect: optional(suspect, toText) === '1',
  };
}

/** Extends leases to `leaseMs` from now; answers whose lease was gone, and who is to be canceled. */
export async function extend(
  context: BrokerContext,
  queue: string,
  taskIds: readonly string[],
  leaseMs: number,
): Promise<ExtendReply> {
  if (taskIds.length === 0) return { gone: [], canceled: [] };
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, leaseMs, ...taskIds];
  const [gone, canceled] = toList(await call(context, 'extend', [keys.lease], args));
  return { gone: toList(gone).map(toText), canceled: toList(canceled).map(toText) };
}
