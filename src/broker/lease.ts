/** Takes tasks and keeps them: the caller of `lease.lua` and `extend.lua`. */
import { ReplyLostError } from '../errors.ts';
import { type QueueKeys, queueKeys } from '../wire/keys.ts';
import { encodeStart } from '../wire/task-records.ts';
import type {
  ExtendCall,
  ExtendReply,
  LeaseCall,
  LeasedTask,
  LeaseReply,
  BegunRun,
  ExtendedRun,
  ReportChange,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { fetchValue } from './fetch-value.ts';
import { PackedReader } from './packed-reader.ts';
import { elapsedMs, optional, toList, toNumber, toText } from './reply.ts';
import type { ScriptArgument } from './script.ts';

/** Bytes of messages in a reply at which one call stops: more would hold up Redis for others. */
const BYTE_LIMIT = 1_048_576;
/** Bytes of a message from which on it is fetched by an HGET of its own: through a script it takes several times as long. */
const LARGE_BYTES = 65_536;

/** Leases tasks of a queue. A paused queue gives none. */
export async function lease(context: BrokerContext, leaseCall: LeaseCall): Promise<LeaseReply> {
  const { queue, max, leaseMs, server, firstRun, begun = [], leavesReturned = false } = leaseCall;
  const maxBytes = Math.max(BYTE_LIMIT, leaseCall.maxBytes ?? 0);
  const keys = queueKeys(queue);
  const fixed = [context.offsetSeconds, keys.taskPrefix, max, leaseMs, BYTE_LIMIT, LARGE_BYTES];
  const whose = [server, firstRun, leavesReturned ? 1 : 0, maxBytes];
  const args = [...fixed, ...whose, ...begunArguments(begun)];
  const names = [keys.paused, keys.pending, keys.active, keys.lease];
  const [left, now, packed, dropped, isReturnedNext, deaths] = toList(
    await call(context, 'lease', names, args),
  );
  const { tasks, large } = readTasks(packed, toText(now), firstRun);
  addDeaths(tasks, toList(deaths));
  if (large.length > 0) {
    await fetchLarge(context, keys, tasks, large, (task) => leaseCall.onFetched?.(task));
  }
  return {
    tasks,
    dropped: toList(dropped).map(toText),
    more: toNumber(left) > 0,
    ...(toNumber(isReturnedNext) === 1 && { isReturnedNext: true }),
  };
}

/**
 * Fetches the messages that the script left out, of the tasks at these places. Nobody else touches a task that is leased;
 * one that is gone all the same has no message. Throws `ReplyLostError` for whatever fails: the tasks are leased, so that
 * it must not look as if nothing was carried out.
 */
async function fetchLarge(
  { connection }: BrokerContext,
  keys: QueueKeys,
  tasks: LeasedTask[],
  large: readonly number[],
  onFetched: (task: LeasedTask) => void,
): Promise<void> {
  const fetches = large.map(async (place) => {
    const task = tasks[place];
    if (task === undefined) return;
    const message = await fetchValue(connection, keys.task(task.id), 'msg');
    const fetched = { ...task, message };
    tasks[place] = fetched;
    onFetched(fetched);
  });
  // All are awaited, also when one fails: nobody is told of a task after the call has ended.
  for (const fetch of await Promise.allSettled(fetches)) {
    if (fetch.status === 'rejected') {
      throw new ReplyLostError(connection.address, { cause: fetch.reason });
    }
  }
}

/** Their number, then ID, run and beginning of each: what `lib/note-begun.lua` reads. */
export function begunArguments(begun: readonly BegunRun[]): ScriptArgument[] {
  return [begun.length, ...begun.flatMap(({ id, run, start }) => [id, run, startArgument(start)])];
}

function startArgument(start: BegunRun['start']): string {
  return start === undefined ? '' : encodeStart(start);
}

/** The list that the script packed, three values per task; and the places of those whose message is not in it. */
function readTasks(
  packed: unknown,
  now: string,
  firstRun: number,
): { tasks: LeasedTask[]; large: number[] } {
  const reader = new PackedReader(packed);
  const tasks: LeasedTask[] = [];
  const large: number[] = [];
  while (reader.hasMore()) {
    const id = reader.text() ?? '';
    const isLarge = reader.isTrue();
    if (isLarge) large.push(tasks.length);
    tasks.push({
      id,
      run: firstRun + tasks.length,
      message: isLarge ? undefined : reader.bytes(),
      waitedMs: elapsedMs(reader.text(), now),
      crashes: 0,
      isSuspect: false,
    });
  }
  return { tasks, large };
}

/** Three values for each task with a past: its place, and what `readDeaths` takes. */
function addDeaths(tasks: LeasedTask[], deaths: readonly unknown[]): void {
  for (let at = 0; at < deaths.length; at += 3) {
    const place = toNumber(deaths[at]);
    const task = tasks[place];
    if (task) tasks[place] = { ...task, ...readDeaths(deaths[at + 1], deaths[at + 2]) };
  }
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
  return toCount(optional(field, toText));
}

function toCount(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** Extends leases to `leaseMs` from now; answers whose lease was gone, and who is to be canceled. */
export async function extend(
  context: BrokerContext,
  { queue, leaseMs, server, tasks }: ExtendCall,
): Promise<ExtendReply> {
  if (tasks.length === 0) return { gone: [], canceled: [] };
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, leaseMs, server, ...tasks.flatMap(toRun)];
  const reply = await call(context, 'extend', [keys.lease, keys.active], args);
  const [gone, canceled] = toList(reply);
  return { gone: toList(gone).map(toText), canceled: toList(canceled).map(toText) };
}

function toRun({ id, run, hasBegun, start, report }: ExtendedRun): ScriptArgument[] {
  const fixed = [id, run, hasBegun ? 1 : 0];
  if (start === undefined && report === undefined) return [...fixed, 0];
  return [...fixed, 3, startArgument(start), ...reportArguments(report)];
}

/** Progress and log: what `lib/report.lua` reads. */
export function reportArguments({ progress = '', log = '' }: ReportChange = {}): ScriptArgument[] {
  return [progress, log];
}
