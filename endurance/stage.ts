/** A runtime that bad tasks are let loose on, and what can be asked of it from outside. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What it has counted since its start. */
export interface Counts {
  /** Failed attempts by what they failed of, as in `threadmill_failures_total`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Errors of tasks that had ended. */
  readonly late: number;
}

/** One runtime with two threads. */
export interface Stage {
  /** `serve` or `library`. */
  readonly name: string;
  readonly queue: string;
  counts(): Promise<Counts>;
  /** In words, e.g. `2/2 threads`, and what is missing to full strength or should not be there. */
  strength(): Promise<{ readonly text: string; readonly problems: readonly string[] }>;
  /** What it called a fault in the background since it was asked last. */
  takeFaults(): readonly string[];
  /** Resident memory of the supervisor, where there is one. */
  supervisorMb(): number | undefined;
  /** Ends it; answers what was wrong with its end. */
  close(): Promise<readonly string[]>;
}

/** Threads of every stage. */
export const THREADS = 2;

const LOOK_MS = 10;

/** Waits until it is so; rejects after `limitMs` with what was waited for. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  limitMs: number,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs / 1_000} s: ${what}`);
    await sleep(LOOK_MS);
  }
}
