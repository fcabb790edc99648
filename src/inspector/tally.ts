/** Counts what a long operation has done, and tells who watches it. */
import type { BulkOptions, BulkProgress, BulkResult } from './types.ts';

/** Failures that are kept; the others are only counted, as tasks seen but not changed. */
const MOST_FAILURES = 100;

/** The figures of one operation. */
export class Tally {
  total: number;
  readonly #options: BulkOptions;
  readonly #failures: { id: string; error: Error }[] = [];
  #seen = 0;
  #changed = 0;

  constructor(options: BulkOptions, total: number) {
    this.#options = options;
    this.total = total;
  }

  /** Whether the operation is to end before its next step. */
  get isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Notes one task that could not be changed. */
  fail(id: string, error: Error): void {
    if (this.#failures.length < MOST_FAILURES) this.#failures.push({ id, error });
  }

  /** Notes a step, and tells of it. */
  step(seen: number, changed: number): void {
    this.#seen += seen;
    this.#changed += changed;
    this.#options.onProgress?.(this.#progress());
  }

  /** What became of the operation; `isStopped` as the operation saw it. */
  result(isStopped = false): BulkResult {
    return { ...this.#progress(), failures: this.#failures, isStopped };
  }

  #progress(): BulkProgress {
    return { seen: this.#seen, changed: this.#changed, total: this.total };
  }
}
