/**
 * Checks of what ran: no task in two places at once, none more often than failures and hits explain, none with more
 * attempts spent than that. Pure: a history goes in, sentences come out.
 */
import {
  byKey,
  endOf,
  type Execution,
  type Fact,
  type Freeze,
  type History,
  type Outage,
} from './history.ts';
import { LEASE_MS } from './settings.ts';

/** A frozen execution whose task somebody else took must be gone so soon after it goes on. Milliseconds. */
export const GONE_AFTER_THAW_MS = 50;
/** A call that cannot be interrupted may last so much longer; the known set's take less on a machine that is not busy. */
const NATIVE_MS = 2_000;

/** How late a busy machine is, measured while the run went on. Milliseconds by instant. */
export type LagAt = (at: number) => number;

/** Two executions of one task that overlap in time. */
export function overlaps(history: History, lagAt: LagAt = () => 0): string[] {
  return [...byKey(history.executions).values()].flatMap((group) =>
    group.flatMap((one, index) =>
      group.slice(index + 1).flatMap((next) => overlap(history, one, next, lagAt) ?? []),
    ),
  );
}

function overlap(
  history: History,
  one: Execution,
  next: Execution,
  lagAt: LagAt,
): string | undefined {
  if (next.startAt >= endOf(one)) return undefined;
  const freeze = history.freezes.find(
    ({ pid, fromAt }) => pid === one.pid && fromAt >= one.startAt && fromAt <= next.startAt,
  );
  if (freeze === undefined) {
    const beforeMs = Math.round(endOf(one) - next.startAt);
    return `${name(one)} still ran when ${name(next)} began, for ${beforeMs} ms`;
  }
  return afterThaw(history, one, freeze, lagAt);
}

/** It ended when it was frozen: it must be gone at once when it goes on, and may have settled nothing. */
function afterThaw(
  history: History,
  one: Execution,
  { toAt, waitedMs }: Freeze,
  lagAt: LagAt,
): string | undefined {
  const machineMs = Math.max(lagAt(toAt), waitedMs);
  const allowed = GONE_AFTER_THAW_MS + machineMs + (one.type === 'native' ? NATIVE_MS : 0);
  const lateMs = endOf(one) - toAt;
  if (lateMs > allowed) return `${name(one)} ran for ${Math.round(lateMs)} ms after SIGCONT`;
  const again = history.executions.find(
    ({ task, pid, startAt }) => task === one.task && pid === one.pid && startAt > toAt,
  );
  const settled = factsOf(history, one).find(
    (fact) =>
      isOf(fact, one) &&
      fact.at >= toAt &&
      fact.at < (again?.startAt ?? Number.POSITIVE_INFINITY) &&
      SETTLED.has(fact.what),
  );
  return settled && `${name(one)} was frozen, and ${settled.what} all the same`;
}

const SETTLED: ReadonlySet<Fact['what']> = new Set([
  'succeeded',
  'retried',
  'archived',
  'requeued',
]);

/** Executions that nothing explains: those before them neither failed nor were hit. */
export function unexplained(history: History): string[] {
  return [...byKey(history.executions).values()].flatMap((group) =>
    group.flatMap((one, index) => {
      const next = group[index + 1];
      if (next === undefined || isExplained(history, one, next)) return [];
      return [`${name(next)} ran again after ${name(one)} had ended well`];
    }),
  );
}

/** Whether another execution may follow: this one failed, or was hit before its success was settled. */
function isExplained(history: History, one: Execution, next: Execution): boolean {
  if (one.own?.how !== 'ok') return true;
  return !hasSucceeded(history, one, next.startAt) && isHit(history, one, next.startAt);
}

/** Whether something befell it, or its server, before that instant. */
function isHit(history: History, one: Execution, before: number): boolean {
  const isWithin = (at: number | undefined): boolean =>
    at !== undefined && at >= one.startAt && at <= before;
  return (
    isWithin(one.processGoneAt) ||
    isWithin(one.threadGoneAt) ||
    history.freezes.some(
      ({ pid, fromAt, toAt }) => pid === one.pid && fromAt <= before && toAt >= one.startAt,
    ) ||
    factsOf(history, one).some(
      (fact) => isOf(fact, one) && isWithin(fact.at) && HITS.has(fact.what),
    ) ||
    history.outages.some((outage) => hidSuccess(outage, one, before))
  );
}

/** What is left of a lease at least when a server is cut off: it was extended a fifth of it ago, or a little longer. */
const LEASE_LEFT_MS = 0.7 * LEASE_MS;

/** Whether its end could not be told to Redis before its lease was over. */
function hidSuccess({ server, fromAt, toAt }: Outage, one: Execution, before: number): boolean {
  if (server !== undefined && server !== one.server) return false;
  const endAt = one.own?.at ?? 0;
  return endAt >= fromAt - ORDER_MS && endAt <= toAt && before >= fromAt + LEASE_LEFT_MS;
}

/** Its server gave up the task, and said so. */
const HITS: ReadonlySet<Fact['what']> = new Set(['lost', 'stopping', 'requeued']);

/** The log is read a little after it is written, and the end is noted a little before. */
const ORDER_MS = 5;

/** Its server said so before anybody had taken the task back: what is said later of a repeated settlement is a guess. */
function hasSucceeded(history: History, one: Execution, before: number): boolean {
  const endAt = one.own?.at ?? 0;
  const first = factsOf(history, one).find(
    ({ what, at }) => SETTLED.has(what) && at >= endAt - ORDER_MS && at <= before,
  );
  return first?.what === 'succeeded' && isOf(first, one);
}

/** Tasks with more attempts spent than executions of them failed or died. `spent` by key, as Redis has it. */
export function overspent(history: History, spent: ReadonlyMap<number, number>): string[] {
  const groups = byKey(history.executions);
  const keys = new Set([...groups.keys(), ...spent.keys()]);
  return [...keys].flatMap((key) => {
    const group = groups.get(key) ?? [];
    const seen = Math.max(spent.get(key) ?? 0, ...group.map(({ retried }) => retried));
    const may = group.filter((one, index) => mayCost(history, one, group[index + 1])).length;
    const [first] = group;
    if (seen <= may || (first && seen <= may + begunOnly(history, first.task))) return [];
    return [`task ${key} has spent ${seen} attempts, ${may} of its executions failed or died`];
  });
}

/** Whether this execution may have spent an attempt: not if it succeeded, nor if its task was given back. */
function mayCost(history: History, one: Execution, next: Execution | undefined): boolean {
  const nextAt = next?.startAt ?? Number.POSITIVE_INFINITY;
  const facts = factsOf(history, one).filter(
    ({ at }) => at >= one.startAt && at <= nextAt + ORDER_MS,
  );
  const has = (...whats: Fact['what'][]): boolean => facts.some(({ what }) => whats.includes(what));
  if (has('retried', 'archived')) return true;
  if (has('requeued')) return false;
  // Said by its own server, and of it: the next one may succeed before all is in that was said of this one.
  const hasOwnSuccess = facts.some(
    (fact) =>
      fact.what === 'succeeded' && isOf(fact, one) && (next?.pid !== one.pid || fact.at < nextAt),
  );
  if (one.own?.how !== 'ok') return !hasOwnSuccess;
  return !hasSucceeded(history, one, nextAt) && isHit(history, one, nextAt);
}

/** Runs that a thread had begun, as its server said, but whose handler never came to its first line. */
function begunOnly({ facts, executions }: History, task: string): number {
  const count = (
    all: readonly { readonly task: string; readonly pid: number }[],
  ): Map<number, number> => {
    const counts = new Map<number, number>();
    for (const one of all)
      if (one.task === task) counts.set(one.pid, (counts.get(one.pid) ?? 0) + 1);
    return counts;
  };
  const began = count((facts.get(task) ?? []).filter(({ what }) => what === 'began'));
  const ran = count(executions);
  return [...began].reduce(
    (sum, [pid, times]) => sum + Math.max(0, times - (ran.get(pid) ?? 0)),
    0,
  );
}

/** What all servers said of its task. */
function factsOf({ facts }: History, { task }: Execution): readonly Fact[] {
  return facts.get(task) ?? [];
}

function isOf(fact: Fact, { task, pid }: Execution): boolean {
  return fact.task === task && fact.pid === pid;
}

function name({ key, type, x, server, pid }: Execution): string {
  return `task ${key} (${type}, execution ${x} on ${server}, process ${pid})`;
}
