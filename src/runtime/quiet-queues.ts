/**
 * Knows for a periodic duty in which queues there is nothing to do: none of the keys that it reads is there, or the first
 * instant in them is to come, and nobody has changed them since. Only the others are looked at, so that idle queues cost
 * nothing. Where Redis does not tell of changes, all are looked at in each pass.
 */
import type { Broker, Duty } from '../broker/broker.ts';
import { QueueLooks } from './queue-looks.ts';

/** What it works with. */
export interface QuietQueuesOptions {
  readonly broker: Pick<Broker, 'watchQueues'>;
  readonly duty: Duty;
  readonly queues: readonly string[];
}

/** News may get lost: each queue is looked at so often all the same, half as much earlier or later. Milliseconds. */
const SAFETY_MS = 60_000;
/** With many queues more seldom: ten looks a second are enough. */
const LOOK_MS = 100;

/** The quiet queues of one duty. */
export class QuietQueues {
  readonly #queues: readonly string[];
  readonly #looks: QueueLooks;
  readonly #loud: Set<string>;
  /** When the quiet ones are to be looked at next, by the monotonic clock. */
  readonly #wakeAtMs = new Map<string, number>();
  #firstWakeAtMs = Number.POSITIVE_INFINITY;

  constructor({ broker, duty, queues }: QuietQueuesOptions) {
    this.#queues = queues;
    this.#loud = new Set(queues);
    this.#looks = new QueueLooks({
      watch: (onChange) => broker.watchQueues(duty, onChange),
      onChange: (changed) => {
        for (const queue of changed ?? this.#wakeAtMs.keys()) this.#wake(queue);
      },
    });
  }

  /** The queues in which there is something to do now. Throws what `QueueWatch.arm` throws. */
  async due(): Promise<readonly string[]> {
    if (this.#looks.isBlind) return this.#queues;
    // Before the look: what is due by then is due in any case.
    const askedAtMs = performance.now();
    if (askedAtMs >= this.#firstWakeAtMs) this.#wakeDue(askedAtMs);
    if (this.#loud.size === 0) return [];
    const waits = await this.#looks.look([...this.#loud]);
    if (this.#looks.isBlind) return this.#queues;
    const due: string[] = [];
    for (const [queue, waitMs] of waits) {
      if (waitMs === 0) due.push(queue);
      else this.#rest(queue, askedAtMs + Math.min(waitMs, this.#safetyMs()));
    }
    return due;
  }

  #wake(queue: string): void {
    if (this.#wakeAtMs.delete(queue)) this.#loud.add(queue);
  }

  #wakeDue(nowMs: number): void {
    this.#firstWakeAtMs = Number.POSITIVE_INFINITY;
    for (const [queue, atMs] of this.#wakeAtMs) {
      if (atMs <= nowMs) this.#wake(queue);
      else this.#firstWakeAtMs = Math.min(this.#firstWakeAtMs, atMs);
    }
  }

  #rest(queue: string, wakeAtMs: number): void {
    this.#loud.delete(queue);
    this.#wakeAtMs.set(queue, wakeAtMs);
    this.#firstWakeAtMs = Math.min(this.#firstWakeAtMs, wakeAtMs);
  }

  #safetyMs(): number {
    return Math.max(SAFETY_MS, this.#queues.length * LOOK_MS) * (0.5 + Math.random());
  }
}
