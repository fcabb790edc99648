/** The clocks: wall time for display, monotonic time for durations and fences. Tests replace them. */
export interface Clock {
  /** Milliseconds since 1970. Never goes into Redis. */
  wallMs(): number;
  /** Milliseconds of the monotonic clock. */
  monotonicMs(): number;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
