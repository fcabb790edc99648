/**
 * At most `limit` events in any span of `spanMs`: remembers when the last `limit` happened. A fixed window would let
 * twice as many pass round its edge.
 */
export class RateLimit {
  readonly #times: Float64Array;
  readonly #spanMs: number;
  #next = 0;

  constructor(limit: number, spanMs: number) {
    this.#times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
    this.#spanMs = spanMs;
  }

  /** Whether one more may happen at `now` (monotonic milliseconds). */
  admits(now: number): boolean {
    return now - (this.#times[this.#next] ?? now) >= this.#spanMs;
  }

  /** Notes that one happened at `now`. */
  note(now: number): void {
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.#times.length;
  }
}
