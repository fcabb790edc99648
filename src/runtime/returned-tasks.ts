/**
 * Leases tasks that came back from a server which died before it was known whether they had begun ("returned"). One of
 * them may have been the end of that server, so that none of them is ever leased beside a task that has not begun: a lease
 * that meets one leaves it; nothing is leased until all tasks here have begun, what has ended is written, and a slot is
 * free; then it is leased by itself, and nothing after it until Redis knows that it has begun, or has ended. So a task that
 * ends its server again and again is known after the first time; no neighbour that never began is counted with it
 * (policy/recovery), and none that has ended runs again because its outcome was lost with the server.
 */
import type { LeaseReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { BegunNotes } from './begun-notes.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

/** What it works with. */
export interface ReturnedTasksOptions {
  readonly active: Pick<ActiveTasks, 'get' | 'inSlots' | 'occupied' | 'settling'>;
  readonly notes: Pick<BegunNotes, 'has'>;
  readonly leases: Pick<LeaseKeeper, 'noteNow'>;
  readonly clock: Clock;
  readonly concurrency: number;
  /** Called when tasks may be leased again. */
  onReleased(): void;
}

const LOOK_EVERY_MS = 2;
/**
 * A thread that has not come to a task by then is held up by the code of others, or Redis does not take an outcome, and the
 * server must not be as well.
 */
const LONGEST_HOLD_MS = 1_000;

/** Those of one server. */
export class ReturnedTasks {
  readonly #options: ReturnedTasksOptions;
  /** Of the task that was met. */
  #queue: string | undefined;
  /** That of the task which was leased by itself. */
  #run: number | undefined;
  #isToldOf = false;
  #untilMonotonicMs = 0;
  #isWatching = false;

  constructor(options: ReturnedTasksOptions) {
    this.#options = options;
  }

  /** The queue whose next task is to be leased by itself. */
  get next(): string | undefined {
    return this.#queue;
  }

  /** Whether nothing may be leased now. */
  get isHolding(): boolean {
    if (this.#queue === undefined && this.#run === undefined) return false;
    const { active, concurrency, clock } = this.#options;
    if (this.#queue !== undefined && active.occupied >= concurrency) {
      // However long the slots are taken: what ends then is to be written before the next one is leased.
      this.#untilMonotonicMs = clock.monotonicMs() + LONGEST_HOLD_MS;
      return true;
    }
    if (!this.#isUnclear()) return false;
    this.#watch(); // a reply of another queue may have come after the last look found all clear
    return true;
  }

  /** To be told of each reply, before its tasks are taken in. `isAlone`: only the next one of its queue was asked for. */
  onReply(queue: string, { tasks, isReturnedNext }: LeaseReply, isAlone: boolean): void {
    if (!isAlone && (isReturnedNext !== true || this.#queue !== undefined)) return;
    this.#queue = isAlone ? undefined : queue;
    this.#run = isAlone ? tasks[0]?.run : undefined;
    this.#isToldOf = false;
    this.#untilMonotonicMs = this.#options.clock.monotonicMs() + LONGEST_HOLD_MS;
    this.#watch();
  }

  #isUnclear(): boolean {
    const { active, notes, clock } = this.#options;
    if (clock.monotonicMs() >= this.#untilMonotonicMs) return false;
    if (this.#run === undefined) return active.settling > 0 || active.inSlots().some(isUnbegun);
    const task = active.get(this.#run);
    if (task === undefined) return false;
    if (task.phase === 'settling') return true; // gone as soon as Redis has confirmed it
    return isUnbegun(task) || (task.phase === 'running' && notes.has(task));
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    setTimeout(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #look(): void {
    this.#isWatching = false;
    if (!this.#isUnclear()) {
      this.#run = undefined;
      return this.#options.onReleased();
    }
    this.#tell();
    this.#watch();
  }

  /** At once: the note would come along with a later script. */
  #tell(): void {
    const task = this.#run === undefined ? undefined : this.#options.active.get(this.#run);
    if (task?.phase !== 'running' || this.#isToldOf) return;
    this.#isToldOf = true;
    this.#options.leases.noteNow(task);
  }
}

/** A group comes back whole, and one that is offered is in other hands. */
function isUnbegun({ phase, isOffered, aggregation }: ActiveTask): boolean {
  return phase === 'waiting' && !isOffered && aggregation === undefined;
}
