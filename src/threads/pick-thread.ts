/** Which thread is given a run, and which one has some to spare. */
import type { RunRecord, ThreadRecord } from './thread-record.ts';

/** What a thread may have: so many at once, and so many more ahead. */
export interface ThreadRoom {
  readonly tasksPerThread: number;
  readonly ahead: number;
}

/** The one with the fewest runs that has room. A thread on a long run has none ahead. */
export function leastBusy(
  threads: readonly ThreadRecord[],
  { tasksPerThread, ahead }: ThreadRoom,
): ThreadRecord | undefined {
  let best: ThreadRecord | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const thread of threads) {
    const { size } = thread.runs;
    const room = tasksPerThread + (thread.isOverdue ? 0 : ahead);
    if (size >= fewest || size >= room) continue;
    best = thread;
    fewest = size;
  }
  return best;
}

/** Of the thread with the most unbegun runs, as far as main knows: those that can go to another one. */
export function mostUnbegun(threads: readonly ThreadRecord[]): RunRecord[] {
  let most: RunRecord[] = [];
  for (const { isCondemned, runs } of threads) {
    if (isCondemned || runs.size <= most.length) continue;
    const unbegun = [...runs].filter(canGoElsewhere);
    if (unbegun.length > most.length) most = unbegun;
  }
  return most;
}

/** A payload that has moved to its thread stays there. */
export function canGoElsewhere({ hasBegun, waiting }: RunRecord): boolean {
  return !hasBegun && waiting !== undefined;
}
