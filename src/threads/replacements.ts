/**
 * Brings the number of threads back to what it has to be. Piscina replaces a thread that dies, but when one has died
 * while it booted it replaces none any more, for good; then each has to be asked for.
 */
import type { Worker } from 'node:worker_threads';

/** How threads are counted and asked for. */
export interface ThreadSource {
  /** Threads that live or boot. */
  living(): number;
  /** Starts one thread; does nothing when none is missing. */
  ask(): void;
}

/** Threads that die while they boot come again after a pause, doubled each time, until one has said hello. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** One per pool. */
export class Replacements {
  readonly #wanted: number;
  readonly #source: ThreadSource;
  readonly #booted = new WeakSet<Worker>();
  #failedBoots = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(wanted: number, source: ThreadSource) {
    this.#wanted = wanted;
    this.#source = source;
  }

  /** To be called when a thread has said hello. */
  onHello(worker: Worker): void {
    this.#booted.add(worker);
    this.#failedBoots = 0;
  }

  /** To be called when Piscina drops a thread, before it has or has not replaced it. */
  onLost(worker: Worker | undefined): void {
    if (worker === undefined || !this.#booted.has(worker)) this.#failedBoots += 1;
    queueMicrotask(() => this.#replace());
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #replace(): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    if (this.#source.living() >= this.#wanted) return;
    if (this.#failedBoots === 0) return this.#askForAll();
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failedBoots - 1), LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#askForAll();
    }, pauseMs);
  }

  #askForAll(): void {
    for (let missing = this.#wanted - this.#source.living(); missing > 0; missing -= 1) {
      this.#source.ask();
    }
  }
}
