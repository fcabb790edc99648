/** The doctor's looks at queues: the caller of the `health-*.lua` scripts that concern one queue. */
import { type QueueKeys, queueKeys } from '../wire/keys.ts';
import type {
  Container,
  ContainerCall,
  ContainerPart,
  Flaw,
  GroupAct,
  LateTask,
  LeakedLock,
  QueueFigures,
  StrayTask,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { toList, toNumber, toText } from './reply.ts';

/** Entries looked at per step: less than a millisecond. */
const STEP = 250;
/** Asynq's recoverer leaves a lease alone for 30 s and comes every 60 s. */
const STUCK_SECONDS = 90;
const OVERDUE_SECONDS = 60;
const LISTED = 100;

/** What is in a queue, and what is late. */
export async function figures(context: BrokerContext, queue: string): Promise<QueueFigures> {
  const keys = queueKeys(queue);
  const { lease, scheduled, retry, pending, active, archived, completed } = keys;
  const names = [lease, scheduled, retry, pending, active, archived, completed];
  const args = [context.offsetSeconds, STUCK_SECONDS, OVERDUE_SECONDS, LISTED];
  const reply = await call(context, 'health-figures', [...names, keys.aggregationSets], args);
  const [now, stuck, due, dueAgain, ...rest] = toList(reply);
  const [waiting, running, leased, later, again, kept, done] = rest.map((each) =>
    typeof each === 'number' ? each : 0,
  );
  return {
    nowMs: toNumber(now) * 1000,
    stuck: readLate(stuck),
    overdue: [...readLate(due), ...readLate(dueAgain)].slice(0, LISTED),
    lengths: {
      pending: waiting ?? 0,
      active: running ?? 0,
      lease: leased ?? 0,
      scheduled: later ?? 0,
      retry: again ?? 0,
      archived: kept ?? 0,
      completed: done ?? 0,
    },
    aggregationSets: toList(rest[7]).map(toText),
  };
}

function readLate(reply: unknown): LateTask[] {
  return chunks(toList(reply), 2).map(([id, score]) => ({
    id: toText(id),
    atMs: toNumber(score) * 1000,
  }));
}

/** One part of a container. */
export async function lookAtContainer(
  context: BrokerContext,
  { queue, container, from, mends }: ContainerCall,
): Promise<ContainerPart> {
  const keys = queueKeys(queue);
  const { key, kind, state } = placeOf(keys, container);
  const args = [keys.taskPrefix, kind, state, from, STEP, mends ? 1 : 0];
  const reply = await call(context, 'health-container', [key, keys.lease], args);
  const [next, , ids, flaws] = toList(reply);
  return {
    next: toNumber(next) < 0 ? undefined : toNumber(next),
    ids: toList(ids).map(toText),
    flaws: chunks(toList(flaws), 3).map(([flaw, id, detail]) => ({
      kind: toText(flaw) as Flaw['kind'],
      id: toText(id),
      detail: toText(detail),
    })),
  };
}

function placeOf(
  keys: QueueKeys,
  container: Container,
): { key: string; kind: 'list' | 'zset' | 'active'; state: string } {
  switch (container.kind) {
    case 'pending':
      return { key: keys.pending, kind: 'list', state: 'pending' };
    case 'active':
      return { key: keys.active, kind: 'active', state: 'active' };
    case 'lease':
      return { key: keys.lease, kind: 'zset', state: 'active' };
    case 'group':
      return { key: keys.group(container.name), kind: 'zset', state: 'aggregating' };
    case 'set':
      return { key: container.key, kind: 'zset', state: 'aggregating' };
    default:
      return { key: keys[container.kind], kind: 'zset', state: container.kind };
  }
}

/** Which of these tasks are in no container. */
export async function strayHashes(
  context: BrokerContext,
  queue: string,
  ids: readonly string[],
  sinceMs: number,
): Promise<StrayTask[]> {
  const { pending, active, lease, scheduled, retry, archived, completed, ...keys } =
    queueKeys(queue);
  const names = [pending, active, lease, scheduled, retry, archived, completed];
  const since = String(BigInt(Math.floor(sinceMs)) * 1_000_000n);
  const args = [keys.taskPrefix, keys.group(''), since, ...ids];
  names.push(keys.aggregationSets, keys.closedSets);
  return readStrays(await call(context, 'health-hashes', names, args));
}

/** Which of these leased tasks are not in `active`. */
export async function strayLeases(
  context: BrokerContext,
  queue: string,
  ids: readonly string[],
  mends: boolean,
): Promise<StrayTask[]> {
  const { lease, active, taskPrefix } = queueKeys(queue);
  const args = [taskPrefix, mends ? 1 : 0, ...ids];
  return readStrays(await call(context, 'health-leases', [lease, active], args));
}

function readStrays(reply: unknown): StrayTask[] {
  return chunks(toList(reply), 2).map(([id, state]) => ({ id: toText(id), state: toText(state) }));
}

/** Which of these locks leak. */
export async function leakedLocks(
  context: BrokerContext,
  queue: string,
  keys: readonly string[],
  mends: boolean,
): Promise<LeakedLock[]> {
  const args = [queueKeys(queue).taskPrefix, mends ? 1 : 0];
  const reply = await call(context, 'health-locks', keys, args);
  return chunks(toList(reply), 3).map(([key, holder, why]) => ({
    key: toText(key),
    holder: toText(holder),
    why: toText(why) === 'gone' ? 'gone' : 'other',
  }));
}

/** Names of the groups that have tasks, or are said to. */
export function groupNames({ connection }: BrokerContext, queue: string): Promise<string[]> {
  const key = queueKeys(queue).groups;
  return connection.run((redis) => redis.smembers(key), { key });
}

/** How many tasks are in these groups. */
export async function lookAtGroups(
  context: BrokerContext,
  queue: string,
  names: readonly string[],
  act: GroupAct,
): Promise<{ size: number; isMended: boolean }[]> {
  const { groups, aggregationSets, taskPrefix, group } = queueKeys(queue);
  const args = [taskPrefix, group(''), act, ...names];
  const reply = await call(context, 'health-groups', [groups, aggregationSets], args);
  return chunks(toList(reply), 2).map(([size, mended]) => ({
    size: toNumber(size),
    isMended: mended === 1,
  }));
}

function chunks(list: readonly unknown[], length: number): (readonly unknown[])[] {
  const count = Math.floor(list.length / length);
  return Array.from({ length: count }, (_, index) =>
    list.slice(index * length, (index + 1) * length),
  );
}
