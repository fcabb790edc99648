/**
 * How many runs a thread is given beyond those it runs at once. Short runs would else wait for the way over the border
 * and back, which takes 0.1 to 0.3 ms; a run behind a long one would wait for no reason, while another thread is free.
 */
import { MAX_AHEAD } from '../threads/messages.ts';

/**
 * So much work lies ready in a thread, in milliseconds: many times the way over the border, so that a thread is given
 * several runs at a time. Each message costs about as much as ten short runs in it. And longer than two looks at the boards:
 * where all cores are busy, the main thread is up to 4 ms late, and what a thread was given it need not ask for.
 */
const READY_MS = 100;
/** From this run time on nothing is gained: the way over the border is below 1 % of it. */
const LONG_MS = 50;
/** From so much work on it is taken to a thread that has none: several times the way over the border. Milliseconds. */
const SHARED_MS = 1;
/** A run that ended its thread, or did not end in time: none is to be behind the next one for a while. */
const TROUBLE_MS = 1_000;
/** A thread that has ended no run for so long, and four times the estimate, is on a long one. */
const OVERDUE_MS = 10;

/** What run times have been, in milliseconds: rises at once, falls slowly. `undefined` before the first run. */
export type RunEstimate = number | undefined;

/** The estimate after one more run. */
export function nextEstimate(estimate: RunEstimate, runMs: number): number {
  if (estimate === undefined) return runMs;
  return estimate + (runMs - estimate) * (runMs > estimate ? 0.5 : 0.05);
}

/** The estimate after a run that went wrong. */
export function estimateAfterTrouble(): number {
  return TROUBLE_MS;
}

/** Runs to give to a thread beyond the `slots` that it runs at once. */
export function runsAhead(estimate: RunEstimate, slots: number): number {
  if (estimate === undefined || estimate > LONG_MS) return 0;
  const ready = Math.max(1, Math.ceil(READY_MS / Math.max(estimate, 0.001)));
  return Math.min(ready * slots, MAX_AHEAD);
}

/**
 * Of what a thread has not begun, so many runs, the last ones, are to go to a thread that has none. Half of them: each of
 * its `slots` is on another one.
 */
export function runsToShare(estimate: RunEstimate, unbegun: number, slots: number): number {
  const share = Math.ceil(unbegun / 2);
  return ((estimate ?? 0) * share) / slots < SHARED_MS ? 0 : share;
}

/** Whether what a thread has not begun is better off elsewhere: it has ended nothing for `sinceMs`. */
export function isOverdue(estimate: RunEstimate, sinceMs: number): boolean {
  return sinceMs > Math.max(OVERDUE_MS, 4 * (estimate ?? 0));
}
