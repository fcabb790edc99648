/** How late this machine is: what a timer of the program's own was late by, instant by instant. */
import type { LagAt } from './check-executions.ts';
import { monotonicMs } from './records.ts';

const EVERY_MS = 10;
/** An answer covers what was measured so long after the instant. */
const AROUND_MS = 150;

/** Measures until it is closed. */
export class LagMeter {
  readonly #late: { readonly at: number; readonly ms: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #lastAt = monotonicMs();

  constructor() {
    this.#timer = setInterval(() => {
      const at = monotonicMs();
      const ms = at - this.#lastAt - EVERY_MS;
      if (ms > EVERY_MS) this.#late.push({ at, ms });
      this.#lastAt = at;
    }, EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The lag around an instant, given as Redis TIME. */
  lagAt(offsetMs: number): LagAt {
    return (at) =>
      this.#late
        .filter((one) => Math.abs(one.at + offsetMs - at) <= AROUND_MS)
        .reduce((sum, { ms }) => sum + ms, 0);
  }
}
