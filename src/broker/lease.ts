/** Takes tasks and keeps them: the caller of `lease.lua` and `extend.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type {
  ExtendCall,
  ExtendReply,
  LeaseCall,
  LeasedTask,
  LeaseReply,
  TaskRun,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { elapsedMs, optional, toBytes, toList, toNumber, toText } from './reply.ts';
import type { ScriptArgument } from './script.ts';

/** Bytes of messages at which one call stops: more would hold up Redis for others. */
const BYTE_LIMIT = 1_048_576;

/** Leases tasks of a queue. A paused queue gives none. */
export async function lease(
  context: BrokerContext,
  { queue, max, leaseMs, server, firstRun, begun = [] }: LeaseCall,
): Promise<LeaseReply> {
  const keys = queueKeys(queue);
  const fixed = [context.offsetSeconds, keys.taskPrefix, max, leaseMs, BYTE_LIMIT];
  const args = [...fixed, server, firstRun, ...begunArguments(begun)];
  const names = [keys.paused, keys.pending, keys.active, keys.lease];
  const [left, now, tasks, dropped] = toList(await call(context, 'lease', names, args));
  return {
    tasks: readTasks(toList(tasks), toText(now), firstRun),
    dropped: toList(dropped).map(toText),
    more: toNumber(left) > 0,
  };
}

/** Their number, then ID and run of each: what `lib/begun.lua` reads. */
export function begunArguments(begun: readonly TaskRun[]): ScriptArgument[] {
  return [begun.length, ...begun.flatMap(({ id, run }) => [id, run])];
}

function readTasks(reply: readonly unknown[], now: string, firstRun: number): LeasedTask[] {
  const tasks: LeasedTask[] = [];
  for (let i = 0; i < reply.length; i += 5) {
    tasks.push({
      id: toText(reply[i]),
      run: firstRun + tasks.length,
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
  return { crashes: readCount(crashes), isSuspect: optional(suspect, toText) === '1' };
}

/** A counter of ours in a hash; 0 for what is none. */
export function readCount(field: unknown): number {
  const text = optional(field, toText) ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** Extends leases to `leaseMs` from now; answers whose lease was gone, and who is to be canceled. */
export async function extend(
  context: BrokerContext,
  { queue, leaseMs, server, tasks }: ExtendCall,
): Promise<ExtendReply> {
  if (tasks.length === 0) return { gone: [], canceled: [] };
  const keys = queueKeys(queue);
  const each = tasks.flatMap(({ id, run, hasBegun }) => [id, run, hasBegun ? 1 : 0]);
  const args = [context.offsetSeconds, keys.taskPrefix, leaseMs, server, ...each];
  const reply = await call(context, 'extend', [keys.lease, keys.active], args);
  const [gone, canceled] = toList(reply);
  return { gone: toList(gone).map(toText), canceled: toList(canceled).map(toText) };
}
