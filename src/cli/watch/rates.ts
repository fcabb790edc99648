/** Rates from counters that are read now and then. */

/** What is counted of a queue. */
export interface Counters {
  readonly processed: number;
  readonly failed: number;
}

/** Per second; `undefined` before there were two readings. */
export type Rates = Readonly<Record<keyof Counters, number | undefined>>;

/** Over so long rates are reckoned: long enough for calm figures, short enough to see what happens. */
const WINDOW_MS = 10_000;

/** The rates of one queue. */
export class RateMeter {
  #readings: (Counters & { readonly atMs: number })[] = [];

  /** Takes a reading at an instant of a clock that only goes forward; answers the rates until then. */
  read(counters: Counters, atMs: number): Rates {
    const last = this.#readings.at(-1);
    // Counters that went back were deleted with the queue, or began anew at their largest value.
    if (last !== undefined && counters.processed < last.processed) this.#readings = [];
    this.#readings.push({ ...counters, atMs });
    // One reading from before the window stays, so that the whole window is covered.
    while ((this.#readings[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#readings.shift();
    const [first] = this.#readings;
    const seconds = first === undefined ? 0 : (atMs - first.atMs) / 1000;
    if (first === undefined || seconds <= 0) return { processed: undefined, failed: undefined };
    return {
      processed: (counters.processed - first.processed) / seconds,
      failed: Math.max(0, counters.failed - first.failed) / seconds,
    };
  }
}
