/**
 * The tasks this server holds a lease of: the one record that dispatcher, canceler, lease keeper and settler share.
 *
 *     waiting --begun--> running --ended--> settling --confirmed--> (gone)
 *
 * `waiting`: leased and handed to the pool, not begun by a thread. `settling`: the code has stopped, the slot is free,
 * the outcome is on its way to Redis; the lease is not extended any more.
 */
import type { AttemptDeadline } from '../policy/attempt-deadline.ts';
import type { TaskRef } from '../task.ts';
import type { HandlerReport, StopReason } from '../threads/messages.ts';
import type { TaskMessage } from '../wire/task-message.ts';

/** One leased task. Wall-clock instants and monotonic instants are told apart by name. */
export interface ActiveTask {
  /** Number of this execution, unique in the process. */
  readonly run: number;
  readonly ref: TaskRef;
  /** The message as leased: rewriting keeps every field of it. */
  readonly raw: Uint8Array;
  readonly message: Omit<TaskMessage, 'payload'>;
  readonly handler: HandlerReport;
  /** The smaller of the message's and the handler's bound. */
  readonly maxRetry: number;
  /** Upper bound of the handler's run time, if it declares one. */
  readonly handlerTimeoutMs: number | undefined;
  readonly waitedMs: number | undefined;
  readonly leasedMonotonicMs: number;
  /** Until when this server owns the task, by its monotonic clock, counted from when the lease was asked for. */
  leaseEndsMonotonicMs: number;
  phase: 'waiting' | 'running' | 'settling';
  threadId: number | undefined;
  startedWallMs: number | undefined;
  deadline: AttemptDeadline | undefined;
  stop: StopReason | undefined;
}

/** Keeps the active tasks by run and by task ID, and says when one leaves its slot or the server. */
export class ActiveTasks {
  readonly #byRun = new Map<number, ActiveTask>();
  /** Runs by task ID. IDs are scoped to a queue, so one ID may stand for several runs. */
  readonly #runsById = new Map<string, Set<number>>();
  /** One promise for all who wait, as the dispatcher may ask often without a change in between. */
  #change: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #occupied = 0;

  /** Tasks that occupy a slot: their code runs or is about to. */
  get occupied(): number {
    return this.#occupied;
  }

  /** All, those being settled included. */
  get size(): number {
    return this.#byRun.size;
  }

  add(task: ActiveTask): void {
    this.#byRun.set(task.run, task);
    const runs = this.#runsById.get(task.ref.id) ?? new Set();
    runs.add(task.run);
    this.#runsById.set(task.ref.id, runs);
    this.#occupied += 1;
  }

  get(run: number): ActiveTask | undefined {
    return this.#byRun.get(run);
  }

  /** The runs of this task ID that still occupy a slot, in whatever queue. */
  withId(taskId: string): ActiveTask[] {
    const runs = [...(this.#runsById.get(taskId) ?? [])];
    return runs
      .flatMap((run) => this.#byRun.get(run) ?? [])
      .filter((task) => task.phase !== 'settling');
  }

  /** Those that occupy a slot. */
  inSlots(): ActiveTask[] {
    return [...this.#byRun.values()].filter((task) => task.phase !== 'settling');
  }

  values(): IterableIterator<ActiveTask> {
    return this.#byRun.values();
  }

  /** The code has stopped: the slot is free. */
  freeSlot(task: ActiveTask): void {
    if (task.phase === 'settling') return;
    task.phase = 'settling';
    this.#occupied -= 1;
    this.#wake();
  }

  /** Redis has confirmed, or the lease is over. */
  remove(task: ActiveTask): void {
    this.freeSlot(task);
    if (!this.#byRun.delete(task.run)) return;
    const runs = this.#runsById.get(task.ref.id);
    runs?.delete(task.run);
    if (runs?.size === 0) this.#runsById.delete(task.ref.id);
    this.#wake();
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    if (this.#change === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#change = { promise, resolve };
    }
    return this.#change.promise;
  }

  #wake(): void {
    const change = this.#change;
    this.#change = undefined;
    change?.resolve();
  }
}
