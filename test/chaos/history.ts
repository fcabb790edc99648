/** The records of a run put in order: executions, with everything that was seen of their end. No IO. */
import type { FactKind, OwnEnd, RunRecord } from './records.ts';

/** One run of a handler. */
export interface Execution {
  readonly x: string;
  readonly key: number;
  readonly task: string;
  readonly type: string;
  readonly retried: number;
  readonly pid: number;
  readonly tid: number;
  readonly server: string;
  readonly startAt: number;
  /** Its own word. */
  readonly own?: { readonly at: number; readonly how: OwnEnd };
  /** When its thread, its process, was seen to end. */
  readonly threadGoneAt?: number;
  readonly processGoneAt?: number;
}

/** A time in which a process was stopped. */
export interface Freeze {
  readonly pid: number;
  readonly fromAt: number;
  /** Infinity: it was killed before it went on. */
  readonly toAt: number;
  /** Milliseconds for which it was ready to go on, and got no core. */
  readonly waitedMs: number;
}

/** What a server said of a task. */
export interface Fact {
  readonly what: FactKind;
  readonly at: number;
  readonly pid: number;
  readonly task: string;
  readonly reason: string;
}

/** A process of the fleet. */
export interface FleetProcess {
  readonly pid: number;
  readonly parent: number;
  readonly server: string;
  readonly clockMs: number;
  readonly startAt: number;
  readonly goneAt?: number;
}

/** A time in which a server could not reach Redis; without a name, none could. */
export interface Outage {
  readonly server: string | undefined;
  readonly fromAt: number;
  readonly toAt: number;
}

/** All of it, everything in the order of time. */
export interface History {
  readonly executions: readonly Execution[];
  readonly freezes: readonly Freeze[];
  /** By task. */
  readonly facts: ReadonlyMap<string, readonly Fact[]>;
  readonly processes: readonly FleetProcess[];
  readonly outages: readonly Outage[];
}

/** A look at the process table may have come a little before a start that was noted since. */
const LOOK_MS = 100;

/** Orders the records. `offsetMs` turns their instants into Redis TIME; outages are given in that already. */
export function readHistory(
  records: readonly RunRecord[],
  { offsetMs = 0, outages = [] }: { offsetMs?: number; outages?: readonly Outage[] } = {},
): History {
  const all = records.map((record) => ({ ...record, at: record.at + offsetMs }));
  const own = new Map(all.flatMap((one) => (one.k === 'end' ? [[one.x, one] as const] : [])));
  const gone = all.filter((one) => one.k === 'gone').sort(byTime);
  const threads = all.filter((one) => one.k === 'thread-gone').sort(byTime);
  const executions = all
    .filter((one) => one.k === 'start')
    .map((start): Execution => {
      const { k: _kind, at: startAt, ...rest } = start;
      const end = own.get(start.x);
      const thread = threads.find(
        ({ pid, tid, at }) => pid === start.pid && tid === start.tid && at >= startAt,
      );
      const process = gone.find(({ pid, at }) => pid === start.pid && at >= startAt - LOOK_MS);
      return {
        ...rest,
        startAt,
        ...(end === undefined ? {} : { own: { at: end.at, how: end.how } }),
        ...(thread === undefined ? {} : { threadGoneAt: thread.at }),
        ...(process === undefined ? {} : { processGoneAt: Math.max(startAt, process.at) }),
      };
    })
    .sort((a, b) => a.startAt - b.startAt);
  return {
    executions,
    outages,
    freezes: readFreezes(all),
    facts: readFacts(all),
    processes: all
      .filter((one) => one.k === 'process')
      .map(({ pid, parent, server, clockMs, at: startAt }) => {
        const end = gone.find((one) => one.pid === pid && one.at >= startAt - LOOK_MS);
        const known = { pid, parent, server, clockMs, startAt };
        return end === undefined ? known : { ...known, goneAt: end.at };
      }),
  };
}

function readFacts(all: readonly RunRecord[]): Map<string, Fact[]> {
  const facts = new Map<string, Fact[]>();
  for (const one of all.filter(({ k }) => k === 'fact').sort(byTime)) {
    if (one.k !== 'fact') continue;
    const known = facts.get(one.task);
    if (known === undefined) facts.set(one.task, [one]);
    else known.push(one);
  }
  return facts;
}

function readFreezes(all: readonly RunRecord[]): Freeze[] {
  const thawed = all.filter((one) => one.k === 'thawed').sort(byTime);
  const waited = all.filter((one) => one.k === 'waited').sort(byTime);
  return all
    .filter((one) => one.k === 'frozen')
    .sort(byTime)
    .map(({ pid, at: fromAt }) => {
      const end = thawed.find((one) => one.pid === pid && one.at > fromAt);
      const toAt = end?.at ?? Number.POSITIVE_INFINITY;
      const wait = waited.find((one) => one.pid === pid && one.at >= toAt);
      return { pid, fromAt, toAt, waitedMs: wait?.ms ?? 0 };
    });
}

function byTime(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at;
}

/** When it ended for certain: by its own word, else when its thread or process was seen to end. Infinity: never. */
export function endOf({ own, threadGoneAt, processGoneAt }: Execution): number {
  const never = Number.POSITIVE_INFINITY;
  return Math.min(own?.at ?? never, threadGoneAt ?? never, processGoneAt ?? never);
}

/** Executions by the task of the known set, each list in the order of their starts. */
export function byKey(executions: readonly Execution[]): Map<number, Execution[]> {
  const groups = new Map<number, Execution[]>();
  for (const one of executions) {
    const group = groups.get(one.key);
    if (group === undefined) groups.set(one.key, [one]);
    else group.push(one);
  }
  return groups;
}
