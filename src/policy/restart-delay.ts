/** Decides how long a child process that died waits before it is started again. */

/** Deaths of one place in the fleet since a task was last done there. Instants by a monotonic clock. */
export interface DeathHistory {
  /** Those of the last minute. */
  readonly deathsAtMs: readonly number[];
  /** What the last one costs before the next start. */
  readonly delayMs: number;
}

/** A child's death. */
export interface ChildDeath {
  readonly atMs: number;
  readonly uptimeMs: number;
  /** Whether it has done a task in its life: then it was no use to wait. */
  readonly hasDoneTask: boolean;
}

/** Where nobody has died. */
export const NO_DEATHS: DeathHistory = Object.freeze({
  deathsAtMs: Object.freeze([]),
  delayMs: 0,
});

const MINUTE_MS = 60_000;
/** Fewer are answered at once. */
const MANY = 3;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;

/**
 * The history with this death. The restart comes at once, but waits from the third death within a minute without a task
 * done in between: 0.1 s, doubling to 10 s. A child that lived a minute ends the doubling.
 */
export function afterDeath(history: DeathHistory, death: ChildDeath): DeathHistory {
  const { atMs, uptimeMs, hasDoneTask } = death;
  if (hasDoneTask) return { deathsAtMs: [atMs], delayMs: 0 };
  const deathsAtMs = [...history.deathsAtMs, atMs].filter((each) => atMs - each < MINUTE_MS);
  if (history.delayMs > 0 && uptimeMs < MINUTE_MS) {
    return { deathsAtMs, delayMs: Math.min(MAX_DELAY_MS, 2 * history.delayMs) };
  }
  return { deathsAtMs, delayMs: deathsAtMs.length >= MANY ? FIRST_DELAY_MS : 0 };
}
