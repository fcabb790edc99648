/** Groups and their aggregation: the caller of the scripts on groups and aggregation sets. */
import { RedisReplyError } from '../errors.ts';
import type { GroupRules } from '../policy/group-rules.ts';
import { QUEUES, queueKeys } from '../wire/keys.ts';
import type {
  CloseCall,
  CloseReply,
  Grouping,
  LockedTask,
  ReclaimedTasks,
  SetAside,
  StageCall,
  StagedPage,
  StagedSet,
  StagedTask,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { addTasks } from './enqueue.ts';
import { fetchLeftOut } from './fetch-value.ts';
import { optional, toList, toNumber, toRows, toText } from './reply.ts';
import type { ScriptArgument } from './script.ts';
import { messageArguments } from './settle.ts';
import { stageEntry, unstageEntry } from './stage-message.ts';

/** Tasks that one call reads, and bytes at which it stops: more would hold up Redis for others. */
const PAGE_TASKS = 250;
const PAGE_BYTES = 1_048_576;
/**
 * A server that closes a set deletes its tasks at once; after this time it is dead. Seconds. Longer than it holds a set: one
 * that lost the reply to its call asks again, and finds the closed set.
 */
export const SWEEP_AFTER_SECONDS = 150;
/** Locks that go with one sweep: not more tasks than it deletes. */
const SWEEP_LOCKS = 500;

/** The broker's part for groups. */
export function grouping(context: BrokerContext): Grouping {
  return {
    dueGroups: (queue, rules, from) => dueGroups(context, queue, rules, from),
    stageGroup: (stage) => stageGroup(context, stage),
    readGroup: (set, from) => readGroup(context, set, from),
    setAside: (set, tasks) => setAside(context, set, tasks),
    extendGroups: (queue, sets, staleSeconds) => extendGroups(context, queue, sets, staleSeconds),
    closeGroup: (close) => closeGroup(context, close),
    sweepGroup: (set, locks) => sweepGroup(context, set, locks),
    sweepLeftovers: (queue) => sweepLeftovers(context, queue),
    unstageGroup: (set, keep = 0) => unstageGroup(context, set, keep),
    reclaimGroups: (queue) => reclaimGroups(context, queue),
    rescueGroups: (queue, groups) => rescueGroups(context, queue, groups),
  };
}

async function dueGroups(
  context: BrokerContext,
  queue: string,
  rules: GroupRules,
  from = '0',
): ReturnType<Grouping['dueGroups']> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.group(''), from, ...limitsOf(rules)];
  const [next, ...groups] = toList(await call(context, 'due-groups', [keys.groups], args));
  const cursor = toText(next);
  return { groups: groups.map(toText), next: cursor === '0' ? undefined : cursor };
}

/** Grace period, longest delay and largest size as the scripts take them. */
function limitsOf({ graceMs, maxDelayMs = 0, maxSize = 0 }: GroupRules): number[] {
  return [Math.ceil(graceMs / 1000), Math.ceil(maxDelayMs / 1000), maxSize];
}

async function stageGroup(
  context: BrokerContext,
  { set, rules, most, staleSeconds }: StageCall,
): Promise<{ staged: number; left: number }> {
  const keys = queueKeys(set.queue);
  const names = [keys.groups, keys.aggregationSets, keys.group(set.group), keyOf(set)];
  const args = [context.offsetSeconds, set.group, ...limitsOf(rules), most, staleSeconds];
  const [staged, left] = toList(await call(context, 'stage-group', names, args));
  return { staged: toNumber(staged), left: toNumber(left) };
}

function keyOf({ queue, group, id }: StagedSet): string {
  return queueKeys(queue).aggregationSet(group, id);
}

async function readGroup(
  context: BrokerContext,
  set: StagedSet,
  from: number,
): Promise<StagedPage> {
  const args = [from, queueKeys(set.queue).taskPrefix, PAGE_TASKS, PAGE_BYTES];
  const reply = await call(context, 'read-group', [keyOf(set)], args);
  const [size, dropped, ...fields] = toList(reply);
  const read = await Promise.all(
    toRows(fields, 2).map(([id, message]) => readStaged(context, set, id, message)),
  );
  const tasks = read.flatMap((task) => task ?? []);
  // One was deleted in between: the next look drops it, and the places of those behind it change.
  const again = tasks.length < read.length ? await readGroup(context, set, from) : undefined;
  const gone = [...toList(dropped).map(toText), ...(again?.dropped ?? [])];
  return { tasks: again?.tasks ?? tasks, dropped: gone, size: again?.size ?? toNumber(size) };
}

/** `undefined` where a message that was to be fetched is gone. */
async function readStaged(
  { connection }: BrokerContext,
  { queue }: StagedSet,
  name: unknown,
  reply: unknown,
): Promise<StagedTask | undefined> {
  const id = toText(name);
  const message = await fetchLeftOut(connection, queueKeys(queue).task(id), 'msg', reply);
  return message && { id, message };
}

async function setAside(
  context: BrokerContext,
  set: StagedSet,
  tasks: readonly SetAside[],
): Promise<number> {
  const { archived, processed, failed, taskPrefix } = queueKeys(set.queue);
  const each = tasks.flatMap(({ id, message }) => [id, ...messageArguments(message)]);
  const args = [context.offsetSeconds, taskPrefix, ...each];
  const names = [keyOf(set), archived, processed, failed];
  return toNumber(await call(context, 'set-aside', names, args));
}

async function extendGroups(
  context: BrokerContext,
  queue: string,
  sets: readonly StagedSet[],
  staleSeconds: number,
): Promise<string[]> {
  if (sets.length === 0) return [];
  const args = [context.offsetSeconds, staleSeconds, ...sets.map(keyOf)];
  const names = [queueKeys(queue).aggregationSets];
  const replies = toList(await call(context, 'extend-groups', names, args));
  return sets.filter((_set, index) => toNumber(replies[index]) === 0).map(({ id }) => id);
}

async function closeGroup(context: BrokerContext, close: CloseCall): Promise<CloseReply> {
  const { set, entry } = close;
  if (entry !== undefined) await register(context, set.queue);
  const staged = entry && (await stageEntry(context, set.queue, entry));
  try {
    const [status, fact] = toList(await runStaged(context, close, staged));
    switch (toNumber(status)) {
      case -1:
        return { status: 'gone' };
      case 0:
        return { status: 'conflict', state: toText(fact) };
      case 4:
        return { status: 'duplicate', holder: toText(fact) };
      default:
        return { status: 'closed' };
    }
  } finally {
    if (staged !== undefined) unstageEntry(context, staged); // what the script did not take
  }
}

/** Where the staged message was evicted the script refuses: then it takes the message itself, as when Redis is full. */
async function runStaged(
  context: BrokerContext,
  close: CloseCall,
  staged: string | undefined,
): Promise<unknown> {
  try {
    return await runClose(context, close, staged);
  } catch (error) {
    if (staged === undefined || !(error instanceof RedisReplyError)) throw error;
    return await runClose(context, close, undefined);
  }
}

function runClose(
  context: BrokerContext,
  { set, size, entry }: CloseCall,
  staged: string | undefined,
): Promise<unknown> {
  const keys = queueKeys(set.queue);
  const { pending, scheduled, aggregationSets, groups, archived, completed, closedSets } = keys;
  const stores = [pending, scheduled, aggregationSets, groups, archived, completed];
  const names = [...stores, keyOf(set), keys.closedSet(set.id), closedSets];
  const args: ScriptArgument[] = [context.offsetSeconds, keys.taskPrefix, size];
  if (entry !== undefined) addTasks(args, [entry], keys, [staged]);
  return call(context, 'close-group', names, args);
}

/**
 * As at every enqueue: a queue that was removed meanwhile would stay invisible (trap 27). A Redis that is full refuses it,
 * which must not keep a set from being closed: the queue had its name when the tasks of the group came.
 */
async function register({ connection }: BrokerContext, queue: string): Promise<void> {
  try {
    await connection.run((redis) => redis.sadd(QUEUES, queue), { key: QUEUES });
  } catch (error) {
    if (!(error instanceof RedisReplyError)) throw error;
  }
}

async function sweepGroup(
  context: BrokerContext,
  { queue, id }: StagedSet,
  locks: readonly LockedTask[],
): Promise<number> {
  const keys = queueKeys(queue);
  const known = locks.slice(0, SWEEP_LOCKS).flatMap((task) => [task.id, task.uniqueKey]);
  const names = [keys.closedSet(id), keys.closedSets];
  return toNumber(await call(context, 'sweep-group', names, [keys.taskPrefix, ...known]));
}

async function sweepLeftovers(context: BrokerContext, queue: string): Promise<boolean> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, SWEEP_AFTER_SECONDS];
  return toNumber(await call(context, 'sweep-leftovers', [keys.closedSets], args)) === 1;
}

async function unstageGroup(
  context: BrokerContext,
  set: StagedSet,
  keep: number,
): Promise<{ left: number; dropped: readonly string[] }> {
  const keys = queueKeys(set.queue);
  const names = [keys.aggregationSets, keys.groups, keys.group(set.group), keyOf(set)];
  const args = [keys.taskPrefix, set.group, keep];
  const [left, ...dropped] = toList(await call(context, 'unstage-group', names, args));
  return { left: toNumber(left), dropped: dropped.map(toText) };
}

async function reclaimGroups(
  context: BrokerContext,
  queue: string,
): Promise<ReclaimedTasks | undefined> {
  const keys = queueKeys(queue);
  const names = [keys.aggregationSets, keys.groups];
  const args = [context.offsetSeconds, keys.taskPrefix, keys.group('')];
  const reply = optional(await call(context, 'reclaim-groups', names, args), toList);
  if (reply === undefined) return undefined;
  const [group, count, ...dropped] = reply;
  return { group: toText(group), count: toNumber(count), dropped: dropped.map(toText) };
}

async function rescueGroups(
  context: BrokerContext,
  queue: string,
  groups: readonly string[],
): Promise<number> {
  if (groups.length === 0) return 0;
  const keys = queueKeys(queue);
  const args = [keys.group(''), ...groups];
  return toNumber(await call(context, 'rescue-groups', [keys.groups], args));
}
