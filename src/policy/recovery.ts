/** What the recovery of a task costs it. */

/**
 * A task that was leased but not begun spends no attempt when its server is lost. "Begun" is noted up to a second after the
 * start, so a handler that ends its server within that second would come back for ever: the sixth such loss in a row
 * counts as begun.
 */
const MOST_RETURNS = 5;

/** What is known of the lost attempt. */
export interface LostAttempt {
  /** A server of ours leased it, so that we know whether it had begun. */
  readonly isOurs: boolean;
  readonly hasBegun: boolean;
  /** Losses in a row before it was noted as begun. */
  readonly returns: number;
}

/** Whether it spends an attempt. What a Go server lost always does, as asynq has it (protocol 16.8). */
export function spendsAttempt({ isOurs, hasBegun, returns }: LostAttempt): boolean {
  return !isOurs || hasBegun || returns >= MOST_RETURNS;
}
