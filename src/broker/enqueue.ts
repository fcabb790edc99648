/** Stores new tasks: the caller of `enqueue.lua`. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RedisReplyError } from '../errors.ts';
import { QUEUES, queueKeys, type QueueKeys } from '../wire/keys.ts';
import type { EnqueueCall, EnqueueEntry, EnqueueReply } from './broker.ts';
import type { Connection } from './connection.ts';
import type { BrokerContext } from './context.ts';
import { toList, toNumber, toText } from './reply.ts';
import { runScript, type ScriptArgument, ScriptStart } from './script.ts';
import { isLargeEntry, stageMessage } from './stage-message.ts';

const STATUSES = [
  'conflict',
  'pending',
  'scheduled',
  'aggregating',
  'duplicate',
  'refused',
] as const;

/** How long a call may still be repeated after its caller was told that no reply came. */
export const KEPT_SECONDS = 300;

/** So that the script compares numbers as the text that they are. */
const NUMBER_DIGITS = 15;

/** How servers, and proxies before a Cluster, say that keys of one command lie apart. */
const APART = /CROSS-?SLOT|same slot/i;
/** Single servers that turned out to be a part of a Cluster: the names of the queues are in another slot there. */
const apart = new WeakSet<Connection>();

/**
 * Stores tasks in one queue with one script, and answers for each of them in order. The queue is registered at every
 * call: a queue that was removed meanwhile would stay invisible otherwise (trap 27).
 */
export async function enqueue(
  context: BrokerContext,
  queue: string,
  entries: readonly EnqueueEntry[],
  call?: EnqueueCall,
): Promise<EnqueueReply[]> {
  if (entries.length === 0) return [];
  const { connection } = context;
  const withinMs = call?.withinMs ?? Number.POSITIVE_INFINITY;
  if (connection.isCluster || apart.has(connection)) {
    return registerAndStore(context, queue, entries, call);
  }
  const together = scriptOf(context, queue, entries, call, queue);
  try {
    return readReplies(context, await connection.run(together, { withinMs }), entries.length);
  } catch (error) {
    // Refused before anything was carried out.
    if (!(error instanceof RedisReplyError) || !APART.test(error.reply)) throw error;
    apart.add(connection);
    return registerAndStore(context, queue, entries, call);
  }
}

/** One after the other: if the server with the names is away, nothing must be stored on another one. */
async function registerAndStore(
  context: BrokerContext,
  queue: string,
  entries: readonly EnqueueEntry[],
  call: EnqueueCall | undefined,
): Promise<EnqueueReply[]> {
  const { connection } = context;
  const end = performance.now() + (call?.withinMs ?? Number.POSITIVE_INFINITY);
  const withinMs = (): number => Math.max(end - performance.now(), 1);
  await connection.run((redis) => redis.sadd(QUEUES, queue), { key: QUEUES, withinMs: withinMs() });
  const store = scriptOf(context, queue, entries, call, '');
  const where = { key: queueKeys(queue).pending, withinMs: withinMs() };
  return readReplies(context, await connection.run(store, where), entries.length);
}

/** The script call; it also registers the queue where that is named by `register`. */
function scriptOf(
  context: BrokerContext,
  queue: string,
  entries: readonly EnqueueEntry[],
  call: EnqueueCall | undefined,
  register: string,
): (redis: Redis) => Promise<unknown> {
  const keys = queueKeys(queue);
  const names = startOf(context, keys, call?.caller ?? '', register, entries.every(isPlain));
  const args = nameOf(call);
  args.push(register);
  if (!entries.some(isLargeEntry)) {
    addTasks(args, entries, keys);
    return (redis) => runScript(redis, 'enqueue', names, args);
  }
  return async (redis) => {
    const places = entries.map((entry) =>
      isLargeEntry(entry) ? keys.staged(randomUUID()) : undefined,
    );
    const written = Promise.allSettled(
      entries.map(async ({ message }, index) => {
        const place = places[index];
        if (place !== undefined) await stageMessage(redis, place, message);
      }),
    );
    const all = [...args]; // a Cluster may have it sent again
    addTasks(all, entries, keys, places);
    try {
      // Its answer alone counts: what was refused beside it is not there for one task, and others are stored all the same.
      return withReasons(await runScript(redis, 'enqueue', names, all), await written);
    } finally {
      // What the script did not take, as it was refused or had stored it before.
      redis.unlink(places.filter((place) => place !== undefined)).catch(() => undefined);
    }
  };
}

/** What calls of one caller begin with, by queue: most callers stay with few queues. */
const starts = new WeakMap<BrokerContext, Map<string, CallerStart>>();
const MAX_STARTS = 1_000;

interface CallerStart {
  readonly caller: string;
  readonly register: string;
  readonly start: ScriptStart;
}

/** Keys and first arguments. Those of plain tasks are kept for the next call of the same caller. */
function startOf(
  context: BrokerContext,
  keys: QueueKeys,
  caller: string,
  register: string,
  arePlain: boolean,
): ScriptStart {
  const ofContext = starts.get(context) ?? new Map<string, CallerStart>();
  const kept = ofContext.get(keys.prefix);
  if (arePlain && kept?.caller === caller && kept.register === register) return kept.start;
  const names = [keys.pending, keys.scheduled, keys.calls(caller)];
  // Plain tasks need no more, and the more are named the longer each of many small calls takes.
  if (!arePlain) names.push(keys.groups, keys.archived, keys.completed);
  if (register !== '') names.push(QUEUES);
  const start = new ScriptStart('enqueue', names, [context.offsetSeconds, keys.taskPrefix]);
  if (!arePlain) return start;
  if (ofContext.size >= MAX_STARTS) ofContext.clear();
  starts.set(context, ofContext.set(keys.prefix, { caller, register, start }));
  return start;
}

/** The script only knows that a message is not there; why is what Redis said when it was written. */
function withReasons(reply: unknown, written: readonly PromiseSettledResult<void>[]): unknown {
  if (!Array.isArray(reply)) return reply;
  const list: unknown[] = [...reply];
  written.forEach((one, index) => {
    const isRefused = STATUSES[toNumber(list[2 * index])] === 'refused';
    if (isRefused && one.status === 'rejected') list[2 * index + 1] = errorText(one.reason);
  });
  return list;
}

function errorText(reason: unknown): Buffer {
  return Buffer.from(reason instanceof Error ? reason.message : String(reason));
}

function isPlain({ unique, group, replaceArchived }: EnqueueEntry): boolean {
  return unique === undefined && group === undefined && replaceArchived !== true;
}

/** One task out of a larger call has a slot of its own beside that call's, which tells of which call it was. */
function nameOf(call: EnqueueCall | undefined): ScriptArgument[] {
  if (call === undefined) return ['', '', 0];
  const { slot, number, place, withinMs } = call;
  const seconds = call.keptSeconds ?? KEPT_SECONDS + Math.ceil(withinMs / 1000);
  const name = place === undefined ? slot : `${slot}.${place}`;
  return [name, `${number}`.padStart(NUMBER_DIGITS, '0'), seconds];
}

/**
 * Adds the arguments of tasks: two for each where several in a row have no wish, else what the script names. `places`:
 * where messages are that do not go with the script.
 */
export function addTasks(
  args: ScriptArgument[],
  entries: readonly EnqueueEntry[],
  keys: QueueKeys,
  places: readonly (string | undefined)[] = [],
): void {
  let row = -1; // where the number of those in a row stands
  entries.forEach((entry, index) => {
    const place = places[index];
    if (entry.when !== undefined || place !== undefined || !isPlain(entry)) {
      row = -1;
      addOther(args, entry, keys, place);
      return;
    }
    if (row < 0) row = args.push(0) - 1;
    args[row] = (args.length - row + 1) / 2;
    args.push(entry.taskId, entry.message);
  });
}

function addOther(
  args: ScriptArgument[],
  entry: EnqueueEntry,
  keys: QueueKeys,
  place: string | undefined,
): void {
  const { taskId, message, unique, group } = entry;
  const [when, milliseconds] = dueOf(entry);
  const isOnlyPlain = isPlain(entry);
  const mode = `${isOnlyPlain ? '' : '+'}${when}${place === undefined ? '' : '*'}`;
  args.push(mode, milliseconds, taskId, place ?? message);
  if (isOnlyPlain) return;
  args.push(unique?.key ?? '', unique?.seconds ?? 0);
  args.push(group === undefined ? '' : keys.group(group), group ?? '');
  args.push(entry.replaceArchived === true ? 1 : 0);
}

function dueOf({ when }: EnqueueEntry): ['now' | 'at' | 'in', number] {
  if (when === undefined) return ['now', 0];
  return 'at' in when ? ['at', when.at] : ['in', when.in];
}

function readReplies({ connection }: BrokerContext, reply: unknown, count: number): EnqueueReply[] {
  const replies: EnqueueReply[] = [];
  if (typeof reply === 'number') {
    while (replies.length < count) replies.push({ status: 'pending', at: reply });
    return replies;
  }
  const list = toList(reply);
  for (let index = 0; index < count; index += 1) {
    const status = STATUSES[toNumber(list[2 * index])] ?? 'conflict';
    replies.push(readReply(status, list[2 * index + 1], connection.address));
  }
  return replies;
}

function readReply(
  status: (typeof STATUSES)[number],
  fact: unknown,
  address: string,
): EnqueueReply {
  switch (status) {
    case 'conflict':
      return { status, state: toText(fact) };
    case 'duplicate':
      return { status, holder: toText(fact) };
    case 'refused':
      return { status, error: new RedisReplyError(address, toText(fact)) };
    default:
      return { status, at: toNumber(fact) };
  }
}
