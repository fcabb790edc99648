/**
 * A monotonic clock that main and its threads share: that of `performance.now()` begins in each thread with the thread.
 * As cheap as that one, since both go by `process.hrtime()` and differ by a constant.
 */
const [seconds, nanoseconds] = process.hrtime();
const OFFSET_MS = seconds * 1_000 + nanoseconds / 1_000_000 - performance.now();
const CYCLE = 2 ** 31;

/** Now in whole milliseconds, the lower 31 bits. */
export function processMs(): number {
  return Math.floor(performance.now() + OFFSET_MS) % CYCLE;
}

/** From one such instant to a later one; a little below 0 where the clocks of two threads are not quite together. */
export function processMsBetween(earlier: number, later: number): number {
  const ms = (later - earlier + CYCLE) % CYCLE;
  return ms > CYCLE / 2 ? ms - CYCLE : ms;
}
