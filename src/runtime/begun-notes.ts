/**
 * Which runs have begun without Redis knowing it. The note goes with the next script of the queue, or after half a second:
 * who recovers the task of a dead server spends an attempt only where one was begun.
 */
import type { BegunRun } from '../broker/broker.ts';
import type { ActiveTask } from './active-tasks.ts';

/** A run that ends sooner than this is settled before its note would matter: noting each would cost Redis a third more. */
const SHORTEST_MS = 10;

/** Notes of one server. */
export class BegunNotes {
  readonly #fresh = new Map<ActiveTask, number>();
  readonly #now: () => number;
  readonly #address: string | undefined;

  /** `now`: milliseconds of a monotonic clock. `address`: of this server, as the note names it; without it none does. */
  constructor(now: () => number, address?: string) {
    this.#now = now;
    this.#address = address;
  }

  /** Runs that are not noted yet. */
  get size(): number {
    return this.#fresh.size;
  }

  add(task: ActiveTask): void {
    this.#fresh.set(task, this.#now());
  }

  /** Whether it has begun, and Redis does not know it. */
  has(task: ActiveTask): boolean {
    return this.#fresh.has(task);
  }

  /** The tasks of all queues that are to be noted. */
  due(): ActiveTask[] {
    const latest = this.#now() - SHORTEST_MS;
    const due: ActiveTask[] = [];
    for (const [task, begunAt] of this.#fresh) {
      if (task.phase !== 'running') this.#fresh.delete(task);
      else if (begunAt <= latest) due.push(task);
    }
    return due;
  }

  /** Those of one queue, as a script takes them along. */
  dueIn(queue: string): BegunRun[] {
    if (this.#fresh.size === 0) return [];
    const tasks = this.due().filter(({ ref }) => ref.queue === queue);
    return tasks.map((task) => this.noteOf(task));
  }

  /** The run, with its beginning as long as that is not noted. */
  noteOf(task: ActiveTask): BegunRun {
    const { ref, run, threadId: thread } = task;
    const begunAt = this.#fresh.get(task);
    if (begunAt === undefined || this.#address === undefined) return { id: ref.id, run };
    const agoMs = this.#now() - begunAt;
    return { id: ref.id, run, start: { agoMs, server: this.#address, thread } };
  }

  /** Redis knows of these. */
  noted(runs: readonly { readonly run: number }[]): void {
    if (runs.length === 0) return;
    const numbers = new Set(runs.map(({ run }) => run));
    for (const task of this.#fresh.keys()) if (numbers.has(task.run)) this.#fresh.delete(task);
  }
}
