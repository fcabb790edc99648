/**
 * The tasks this server holds a lease of: the one record that dispatcher, canceler, lease keeper and settler share.
 *
 *     waiting --begun--> running --ended--> settling --confirmed--> (gone)
 *
 * `waiting`: leased, not begun by a thread: in the pool's line, on its way to a thread, or held back to run alone.
 * `settling`: the code has stopped, the slot is free, the outcome is on its way to Redis; the lease is not extended any
 * more.
 */
import type { AttemptDeadline } from '../policy/attempt-deadline.ts';
import type { HandlerBounds } from '../policy/handler-bounds.ts';
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
  /** What the handler declares of its runs. */
  readonly bounds: HandlerBounds;
  /** Threads or processes that died while they ran it alone, before this attempt. */
  readonly crashes: number;
  /** It is to run alone. */
  readonly isSuspect: boolean;
  readonly waitedMs: number | undefined;
  readonly leasedMonotonicMs: number;
  /** Until when this server owns the task, by its monotonic clock, counted from when the lease was asked for. */
  leaseEndsMonotonicMs: number;
  phase: 'waiting' | 'running' | 'settling';
  threadId: number | undefined;
  startedWallMs: number | undefined;
  deadline: AttemptDeadline | undefined;
  stop: StopReason | undefined;
  /** Its thread was terminated a second ago and still lives. */
  isStuck: boolean;
  /** It is being offered to another process, which may hold it already: nothing may be settled meanwhile. */
  isOffered: boolean;
  /** Its thread is ended because of what it or a neighbour did, and nobody knows which of them. */
  isSuspected: boolean;
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

  /** The task will not leave its slot: those who wait for that are woken. */
  declareStuck(task: ActiveTask): void {
    task.isStuck = true;
    this.#wake();
  }

  #wake(): void {
    const change = this.#change;
    this.#change = undefined;
    change?.resolve();
  }
}
