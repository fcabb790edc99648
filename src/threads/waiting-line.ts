import type { TaskEnvelope } from './messages.ts';

/** A run that no thread has begun. */
export interface WaitingRun {
  readonly envelope: TaskEnvelope;
  /** How often it came back from a thread that did not begin it. */
  readonly returns: number;
}

/** How often a run that no thread has begun goes to another one; then its caller is told. */
const MAX_RETURNS = 3;

/** The run that has come back once more; `undefined`: its payload has moved to a thread, or it has been back too often. */
export function afterReturn(run: WaitingRun | undefined, counts: boolean): WaitingRun | undefined {
  if (!counts || run === undefined) return run;
  return run.returns < MAX_RETURNS ? { ...run, returns: run.returns + 1 } : undefined;
}

/** So many places of runs that are gone are kept; then the rest moves up, if it is not longer. */
const MOST_GONE = 64;

/**
 * Runs in the order in which they go to threads. Any of them can be taken out. They lie in a list, of which a `Map` knows
 * only where: every task passes here, and a `Map` of the runs themselves would keep what it has held (see `RunTable`).
 */
export class WaitingLine {
  #line: (WaitingRun | undefined)[] = [];
  /** Places in the list before the first run. */
  #gone = 0;
  /** What to add to a place in the list to get what `#places` says of it. */
  #offset = 0;
  readonly #places = new Map<number, number>();

  get size(): number {
    return this.#places.size;
  }

  /** To the end of the line. */
  push(waiting: WaitingRun): void {
    this.#places.set(waiting.envelope.run, this.#line.push(waiting) - 1 + this.#offset);
  }

  /** To the head of the line, in this order. */
  putBack(returned: readonly WaitingRun[]): void {
    this.#line = [...returned, ...this.#line.slice(this.#gone)];
    this.#offset += this.#gone - returned.length;
    this.#gone = 0;
    returned.forEach(({ envelope }, index) => {
      this.#places.set(envelope.run, index + this.#offset);
    });
  }

  /** The next one; it stays. */
  head(): WaitingRun | undefined {
    return this.#line[this.#gone];
  }

  /** Takes this run out; `false` when it is not in the line. */
  delete(run: number): boolean {
    const place = this.#places.get(run);
    if (place === undefined) return false;
    this.#places.delete(run);
    this.#line[place - this.#offset] = undefined;
    this.#closeUp();
    return true;
  }

  clear(): void {
    this.#line = [];
    this.#gone = 0;
    this.#offset = 0;
    this.#places.clear();
  }

  runs(): number[] {
    return this.#line.flatMap((waiting) => waiting?.envelope.run ?? []);
  }

  #closeUp(): void {
    while (this.#gone < this.#line.length && this.#line[this.#gone] === undefined) this.#gone += 1;
    if (
      this.#gone < this.#line.length &&
      (this.#gone < MOST_GONE || this.#gone * 2 < this.#line.length)
    )
      return;
    this.#line.splice(0, this.#gone);
    this.#offset += this.#gone;
    this.#gone = 0;
  }
}
