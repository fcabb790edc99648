/** Times a known number of tasks from the first that is settled to the last. */

/** What one slice of tasks took. */
export interface Timing {
  /** Tasks a second between the first and the last settled one. */
  readonly perSecond: number;
  /** CPU time of this process with all its threads, in microseconds a task. Redis is not in it. */
  readonly cpuMicros: number;
}

/** No slice takes so long: something hangs, and the benchmark fails instead of waiting for ever. */
const LIMIT_MS = 60_000;

/** Counts settled tasks; `done` resolves with the last one. Not reusable. */
export class Stopwatch {
  readonly done: Promise<Timing>;
  readonly #count: number;
  readonly #limit: NodeJS.Timeout;
  #settled = 0;
  #startedMs = 0;
  #startedCpu = process.cpuUsage();
  #resolve: (timing: Timing) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  /** `count`: at least 2, as the time between two settled tasks is measured. */
  constructor(count: number, limitMs: number = LIMIT_MS) {
    if (!(count >= 2)) throw new RangeError(`count is ${count}, accepts 2 or more`);
    this.#count = count;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => undefined); // a failure may come before anybody waits for it
    this.#limit = setTimeout(() => {
      this.fail(new Error(`only ${this.#settled} of ${count} tasks settled in ${limitMs} ms`));
    }, limitMs);
  }

  /** A task was settled as success. */
  tick(): void {
    this.#settled += 1;
    if (this.#settled === 1) {
      this.#startedCpu = process.cpuUsage();
      this.#startedMs = performance.now();
    } else if (this.#settled === this.#count) {
      clearTimeout(this.#limit);
      this.#resolve(this.#timing());
    }
  }

  /** Something broke: figures would mean nothing. */
  fail(error: Error): void {
    clearTimeout(this.#limit);
    this.#reject(error);
  }

  #timing(): Timing {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const cpu = process.cpuUsage(this.#startedCpu);
    const tasks = this.#count - 1;
    return { perSecond: tasks / seconds, cpuMicros: (cpu.user + cpu.system) / tasks };
  }
}
