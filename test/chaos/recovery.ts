/** How long tasks waited that were hit while begun: from the death to their next start, or to their way back. Pure. */
import type { Execution, Fact, Freeze, History } from './history.ts';

/** Durations in milliseconds. */
export interface RecoveryTimes {
  readonly count: number;
  readonly p50Ms: number;
  readonly maxMs: number;
}

/** By what took the task from its execution. */
export interface Recovery {
  /** Its process ended. */
  readonly death: RecoveryTimes;
  /** Its process was frozen for longer than the lease. */
  readonly freeze: RecoveryTimes;
  readonly all: RecoveryTimes;
}

const BACK: ReadonlySet<Fact['what']> = new Set(['requeued', 'retried', 'archived']);

/** The times of all tasks that were hit and came back. */
export function recoveryTimes(history: History): Recovery {
  const death = history.executions.flatMap((one) => {
    const { own, processGoneAt } = one;
    const died = own === undefined || own.how === 'dying';
    if (!died || processGoneAt === undefined) return [];
    if ((one.threadGoneAt ?? Number.POSITIVE_INFINITY) < processGoneAt) return [];
    if (freezeOf(history, one) !== undefined) return [];
    return backAfter(history, one, processGoneAt);
  });
  const freeze = history.executions.flatMap((one) => {
    const found = freezeOf(history, one);
    if (found === undefined) return [];
    // Only where somebody else took it: after SIGCONT the server itself gives up.
    return backAfter(history, one, found.fromAt).filter((ms) => found.fromAt + ms < found.toAt);
  });
  return { death: summary(death), freeze: summary(freeze), all: summary([...death, ...freeze]) };
}

function freezeOf({ freezes }: History, one: Execution): Freeze | undefined {
  const endAt = one.own?.at ?? Number.POSITIVE_INFINITY;
  return freezes.find(
    ({ pid, fromAt }) => pid === one.pid && fromAt >= one.startAt && fromAt < endAt,
  );
}

function backAfter({ executions, facts }: History, one: Execution, at: number): number[] {
  const start = executions.find((next) => next.key === one.key && next.startAt > at)?.startAt;
  const said = facts.get(one.task)?.find((fact) => fact.at > at && BACK.has(fact.what));
  const backAt = Math.min(start ?? Number.POSITIVE_INFINITY, said?.at ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(backAt) ? [backAt - at] : [];
}

function summary(times: readonly number[]): RecoveryTimes {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50Ms: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0,
    maxMs: sorted.at(-1) ?? 0,
  };
}
