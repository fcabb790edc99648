/** Times a known number of tasks, from the end of a warm-up to the last one. */

/** What tasks took. */
export interface Timing {
  /** Settled tasks a second. */
  readonly perSecond: number;
  /** CPU time of this process with all its threads, in microseconds a task. Redis is not in it. */
  readonly cpuMicros: number;
}

/** How it counts. */
export interface StopwatchOptions {
  /** Tasks that are settled before the time begins; at least 1. Default: 1. */
  readonly warmUp?: number;
  /** Parts of equal size, to within one task, into which the timed tasks are cut. Default: 1. */
  readonly laps?: number;
  readonly limitMs?: number;
}

/** No slice takes so long: something hangs, and the benchmark fails instead of waiting for ever. */
const LIMIT_MS = 120_000;

/** An instant, and the CPU time that was used until then. */
interface Mark {
  readonly settled: number;
  readonly ms: number;
  readonly cpu: NodeJS.CpuUsage;
}

/** Counts settled tasks; `done` resolves with the last one. Not reusable. */
export class Stopwatch {
  readonly done: Promise<Timing>;
  /** Complete when `done` resolves. */
  readonly laps: Timing[] = [];
  readonly #count: number;
  readonly #warmUp: number;
  readonly #lapCount: number;
  readonly #limit: NodeJS.Timeout;
  #settled = 0;
  #next: number;
  #start: Mark | undefined;
  #lapStart: Mark | undefined;
  #resolve: (timing: Timing) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  /** `count`: all tasks, those of the warm-up included; at least one more than those and one per lap. */
  constructor(count: number, options: StopwatchOptions = {}) {
    const { warmUp = 1, laps = 1, limitMs = LIMIT_MS } = options;
    if (!(warmUp >= 1 && laps >= 1 && count >= warmUp + laps)) {
      throw new RangeError(
        `${count} tasks are too few for a warm-up of ${warmUp} and ${laps} laps`,
      );
    }
    this.#count = count;
    this.#warmUp = warmUp;
    this.#lapCount = laps;
    this.#next = warmUp;
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
    if (this.#settled === this.#next) this.#mark();
  }

  /** Something broke: figures would mean nothing. */
  fail(error: Error): void {
    clearTimeout(this.#limit);
    this.#reject(error);
  }

  #mark(): void {
    const mark = { settled: this.#settled, ms: performance.now(), cpu: process.cpuUsage() };
    this.#start ??= mark;
    if (this.#lapStart !== undefined) this.laps.push(between(this.#lapStart, mark));
    this.#lapStart = mark;
    const timed = this.#count - this.#warmUp;
    const lap = this.laps.length + 1;
    this.#next = this.#warmUp + Math.round((timed * lap) / this.#lapCount);
    if (this.#settled < this.#count) return;
    clearTimeout(this.#limit);
    this.#resolve(between(this.#start, mark));
  }
}

function between(from: Mark, to: Mark): Timing {
  const tasks = to.settled - from.settled;
  const micros = to.cpu.user + to.cpu.system - from.cpu.user - from.cpu.system;
  return { perSecond: (tasks * 1_000) / (to.ms - from.ms), cpuMicros: micros / tasks };
}
