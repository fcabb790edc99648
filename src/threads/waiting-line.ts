import type { TaskEnvelope } from './messages.ts';

/** A run that no thread has begun. */
export interface WaitingRun {
  readonly envelope: TaskEnvelope;
  /** How often it came back from a thread that did not begin it. */
  readonly returns: number;
}

/** Runs in the order in which they go to threads. Any of them can be taken out. */
export class WaitingLine {
  #line = new Map<number, WaitingRun>();

  get size(): number {
    return this.#line.size;
  }

  /** To the end of the line. */
  push(waiting: WaitingRun): void {
    this.#line.set(waiting.envelope.run, waiting);
  }

  /** To the head of the line, in this order. Copies the line, so it is for what happens rarely. */
  putBack(returned: readonly WaitingRun[]): void {
    if (returned.length === 0) return;
    const ahead = returned.map((waiting) => [waiting.envelope.run, waiting] as const);
    this.#line = new Map([...ahead, ...this.#line]);
  }

  /** Takes the run at the head. */
  shift(): WaitingRun | undefined {
    for (const [run, waiting] of this.#line) {
      this.#line.delete(run);
      return waiting;
    }
    return undefined;
  }

  /** Takes this run out; `false` when it is not in the line. */
  delete(run: number): boolean {
    return this.#line.delete(run);
  }

  clear(): void {
    this.#line.clear();
  }

  runs(): number[] {
    return [...this.#line.keys()];
  }
}
