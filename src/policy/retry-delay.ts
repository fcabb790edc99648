/** How long a failed task waits for its next attempt, unless the server or the handler says otherwise. */

/** What the delay depends on. */
export interface RetryDelayOptions {
  /** Failures before this one. */
  readonly retried: number;
  /** Upper bound in milliseconds. */
  readonly maxRetryDelayMs: number;
  /** Uniform in [0, 1), like `Math.random`. */
  readonly random: () => number;
}

/**
 * Matches asynq's default (protocol 16.6), capped: n^4 + 15 + (0..29) x (n + 1) seconds for n earlier failures, so 15 to
 * 44 s after the first. The random part grows with n and keeps tasks that failed together from coming back together.
 * Answers milliseconds.
 */
export function defaultRetryDelayMs({
  retried,
  maxRetryDelayMs,
  random,
}: RetryDelayOptions): number {
  const jitter = Math.floor(random() * 30) * (retried + 1);
  return Math.min((retried ** 4 + 15 + jitter) * 1000, maxRetryDelayMs);
}
