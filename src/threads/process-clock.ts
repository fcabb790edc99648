/**
 * A monotonic clock that main and its threads share: that of `performance.now()` begins in each thread with the thread.
 * As cheap as that one, since both go by `process.hrtime()` and differ by a constant.
 */
const CYCLE = 2 ** 31;
/** One look at both clocks may be held up in its midst, as the first one is by the loading of `performance`. */
const LOOKS = 3;
const OFFSET_MS = offsetMs();

function offsetMs(): number {
  const looks = Array.from({ length: LOOKS }, () => {
    const before = hrtimeMs();
    const now = performance.now();
    return { tookMs: hrtimeMs() - before, offset: before - now };
  });
  return looks.reduce((best, look) => (look.tookMs < best.tookMs ? look : best)).offset;
}

function hrtimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** Now in whole milliseconds, the lower 31 bits. */
export function processMs(): number {
  return Math.floor(performance.now() + OFFSET_MS) % CYCLE;
}

/** From one such instant to a later one; a little below 0 where the clocks of two threads are not quite together. */
export function processMsBetween(earlier: number, later: number): number {
  const ms = (later - earlier + CYCLE) % CYCLE;
  return ms > CYCLE / 2 ? ms - CYCLE : ms;
}
