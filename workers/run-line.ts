/**
 * The tasks that main has given to this thread, in their order. As many run at once as the thread has slots; the others
 * wait here until they are begun, and main may take them back until then.
 */
// Not the global ones: a handler may have put others in their place.
import { setImmediate, setTimeout } from 'node:timers';
import { unpackBatch, type PlacedEnvelope, type TaskBatch } from '../src/threads/task-batch.ts';

/** What a line works with. */
export interface RunLineOptions {
  readonly slots: number;
  /** Begins the task; `false`: main has taken it back. Calls back when its code has ended, maybe at once. */
  begin(envelope: PlacedEnvelope, onEnd: () => void): boolean;
  /** Whether any task may begin. */
  isOpen(): boolean;
  /** Whether main would have taken a task back by now that may run elsewhere. */
  isMainHere(): boolean;
  /** Main is to hear of the ended runs: the line is about to run dry or has. Otherwise main looks by itself. */
  onNews(): void;
}

/**
 * Main is asked for more when so much is left, in milliseconds, or half of it: where all cores are busy, main is up to 4 ms
 * late, and what it sends is read up to 5 ms later. Short runs are gone before that, whatever is left of them.
 */
const LOW_MS = 10;
/** The pace is that of about so many runs. */
const PACE_RUNS = 8;
/** Runs that follow each other without a turn of the loop, in milliseconds: timers and messages must not starve. */
const TURN_MS = 5;
/** After a freeze main needs a turn of its loop to see what is to be taken back. */
const AWAIT_MAIN_MS = 5;

/** One per thread. */
export class RunLine {
  readonly #options: RunLineOptions;
  /** What has been taken leaves its place empty: it may be large. */
  #queue: (PlacedEnvelope | undefined)[] = [];
  #next = 0;
  #running = 0;
  /** Main is asked for more when so many are left. */
  #lowWater = 0;
  /** What a run takes, from the end of one to the end of the next, in milliseconds. */
  #paceMs = 0;
  #endedAt = 0;
  #turnAt = 0;
  #isTurning = false;
  #isFilling = false;
  /** Main was asked to look after the leases, and has not done so yet. */
  #isAwaitingMain = false;

  constructor(options: RunLineOptions) {
    this.#options = options;
  }

  /** `isInRun`: code of a run is on the stack, which looked at the port itself; none may begin within it. */
  add(message: TaskBatch, isInRun: boolean): void {
    if (this.#next > 0) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    for (const envelope of unpackBatch(message)) this.#queue.push(envelope);
    this.#lowWater = this.#lowestOf(this.#queue.length);
    if (isInRun) return this.#takeTurn();
    this.#turnAt = performance.now(); // it came with a turn of the loop
    if (this.#running === 0) this.#endedAt = this.#turnAt;
    this.#fill();
  }

  #fill(): void {
    // A run that ends at once is here again while the loop goes on.
    if (this.#isTurning || this.#isFilling) return;
    this.#isFilling = true;
    let hasDropped = false;
    while (this.#running < this.#options.slots && this.#options.isOpen() && !this.#isTurning) {
      const queued = this.#queue[this.#next];
      if (queued === undefined) break;
      if (!this.#options.isMainHere()) {
        this.#awaitMain();
        break;
      }
      this.#isAwaitingMain = false;
      this.#queue[this.#next] = undefined;
      this.#next += 1;
      if (!this.#begin(queued)) hasDropped = true;
    }
    this.#isFilling = false;
    // Behind what has ended others were expected, so that it was not told of.
    if (hasDropped && this.#next === this.#queue.length) this.#options.onNews();
  }

  #begin(envelope: PlacedEnvelope): boolean {
    this.#running += 1;
    const hasBegun = this.#options.begin(envelope, () => {
      this.#running -= 1;
      this.#onEnd();
    });
    if (hasBegun) return true;
    this.#running -= 1;
    return false;
  }

  #lowestOf(length: number): number {
    const half = length >> 1;
    return this.#paceMs * half <= LOW_MS ? half : Math.ceil(LOW_MS / this.#paceMs);
  }

  #onEnd(): void {
    const now = performance.now();
    this.#paceMs += (now - this.#endedAt - this.#paceMs) / PACE_RUNS;
    this.#endedAt = now;
    const left = this.#queue.length - this.#next;
    if (left === 0 || left === this.#lowWater) this.#options.onNews();
    if (now - this.#turnAt >= TURN_MS) this.#takeTurn();
    this.#fill();
  }

  /** Main may have nothing to look after: all that lies here was taken back, and a run has ended of which it is to hear. */
  #awaitMain(): void {
    if (!this.#isAwaitingMain) this.#options.onNews();
    this.#isAwaitingMain = true;
    this.#isTurning = true;
    setTimeout(() => {
      this.#isTurning = false;
      this.#turnAt = performance.now();
      this.#fill();
    }, AWAIT_MAIN_MS);
  }

  #takeTurn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#turnAt = performance.now();
      this.#fill();
    });
  }
}
