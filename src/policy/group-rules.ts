/** When a group is aggregated, and how often it is looked at (protocol 11.2 and 16.9). */

/** The first rule that holds counts. Redis keeps whole seconds, so times are rounded up there. */
export interface GroupRules {
  /** No task has joined for so long, in milliseconds. */
  readonly graceMs: number;
  /** The first task has waited for so long, in milliseconds; absent = no such rule. */
  readonly maxDelayMs?: number;
  /** So many tasks wait; absent = no such rule. No aggregation gets more. */
  readonly maxSize?: number;
}

const LONGEST_TICK_MS = 7_000;

/** Milliseconds between two looks at the groups, as in asynq. */
export function groupTickMs({ graceMs }: GroupRules): number {
  return Math.min(LONGEST_TICK_MS, graceMs);
}

/** An aggregation may run beside others, but tasks keep at least half of the slots, and one thread does both in turn. */
export function mostAggregations(concurrency: number): number {
  return Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(concurrency / 2)));
}

/** As many passes as asynq has in flight. */
const MOST_AT_ONCE = 3;

const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 600_000;

/** How long a group is left alone after so many failures in a row. Its tasks wait in it meanwhile. */
export function groupPauseMs(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}
