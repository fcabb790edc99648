/** After an error of Redis a loop pauses, twice as long each time: asynq's own loop spins here (protocol D12). */
const FIRST_MS = 100;
const LONGEST_MS = 3_000;

/** The pauses of one loop. */
export class ErrorPause {
  #ms = FIRST_MS;

  /** How long to pause now, in milliseconds. */
  next(): number {
    const ms = jittered(this.#ms);
    this.#ms = Math.min(this.#ms * 2, LONGEST_MS);
    return ms;
  }

  /** It went well. */
  reset(): void {
    this.#ms = FIRST_MS;
  }
}

/** Servers that began together do not ask together: 0.5 to 1.5 times the interval, as in asynq (protocol 16.3). */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random());
}
