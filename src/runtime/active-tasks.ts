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
import type { GroupParcel, HandlerReport, StopReason } from '../threads/messages.ts';
import type { TaskMessage } from '../wire/task-message.ts';
import type { RunReport } from './run-report.ts';
import type { FinishedRun } from './finisher.ts';
import { RunTable } from '../threads/run-table.ts';

/** What the run of an aggregate function is in place of a task. */
export interface Aggregation {
  readonly parcel: GroupParcel;
  /** Its code has ended, or never began. Called once. */
  onEnd(finished: FinishedRun): void;
}

/** What is known of a task when it is leased. Wall-clock instants and monotonic instants are told apart by name. */
export interface LeasedFacts {
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
  /**
   * Set for the run of an aggregate function. It takes a slot and is stopped like a task, but no queue holds it: its lease
   * is the time until its set goes stale, and the aggregator ends it.
   */
  readonly aggregation?: Aggregation | undefined;
  readonly waitedMs: number | undefined;
  readonly leasedMonotonicMs: number;
  /** Until when this server owns the task, by its monotonic clock, counted from when the lease was asked for. */
  leaseEndsMonotonicMs: number;
}

/** One leased task. */
export interface ActiveTask extends LeasedFacts {
  phase: 'waiting' | 'running' | 'settling';
  threadId: number | undefined;
  startedWallMs: number | undefined;
  deadline: AttemptDeadline | undefined;
  /** When that deadline comes by the monotonic clock; set by the watch of deadlines. */
  endsMonotonicMs?: number | undefined;
  stop: StopReason | undefined;
  /** Its thread was terminated a second ago and still lives. */
  isStuck: boolean;
  /** It is being offered to another process, which may hold it already: nothing may be settled meanwhile. */
  isOffered: boolean;
  /** Its thread is ended because of what it or a neighbour did, and nobody knows which of them. */
  isSuspected: boolean;
  /** What its handler has reported; absent as long as it says nothing. */
  report?: RunReport | undefined;
}

/**
 * A task before a thread has begun it. Every field is set, always in this order: the engine is quick with objects of one
 * shape, and every task passes through all of this folder.
 */
export function activeTask(facts: LeasedFacts): ActiveTask {
  return {
    run: facts.run,
    ref: facts.ref,
    raw: facts.raw,
    message: facts.message,
    handler: facts.handler,
    maxRetry: facts.maxRetry,
    bounds: facts.bounds,
    crashes: facts.crashes,
    isSuspect: facts.isSuspect,
    aggregation: facts.aggregation,
    waitedMs: facts.waitedMs,
    leasedMonotonicMs: facts.leasedMonotonicMs,
    leaseEndsMonotonicMs: facts.leaseEndsMonotonicMs,
    phase: 'waiting',
    threadId: undefined,
    startedWallMs: undefined,
    deadline: undefined,
    endsMonotonicMs: undefined,
    stop: undefined,
    isStuck: false,
    isOffered: false,
    isSuspected: false,
    report: undefined,
  };
}

/** Told at once, in the turn of the change; it must be quick. */
export interface SlotObserver {
  onTaken(task: ActiveTask): void;
  /** `runMs`: what its run took, where it ran. */
  onFreed(task: ActiveTask, runMs: number | undefined): void;
  /** A slot held without a task was given back. */
  onChange(): void;
}

/** Keeps the active tasks by run and by task ID, and says when one leaves its slot or the server. */
export class ActiveTasks {
  readonly #byRun = new RunTable<ActiveTask>();
  /** Those of which it was heard that they run: not all that do (`begun`). */
  readonly #running = new RunTable<ActiveTask>();
  /**
   * Runs by task ID. IDs are scoped to a queue, and a stuck attempt may meet the next one of its task, so one ID may stand
   * for several; nearly always it stands for one, which needs no list. Numbers, not tasks: see `RunTable`.
   */
  readonly #runsById = new Map<string, number | readonly number[]>();
  /** One promise for all who wait, as the dispatcher may ask often without a change in between. */
  #change: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #occupied = 0;
  #holds = 0;
  #observer: SlotObserver | undefined;

  /**
   * Slots that are taken: by tasks whose code runs or is about to, or held free for one. More than there are slots while
   * tasks that were leased ahead wait for one.
   */
  get occupied(): number {
    return this.#occupied;
  }

  /** Of these, slots held without a task. */
  get holds(): number {
    return this.#holds;
  }

  /** Sets who is told of each change of a slot. */
  observe(observer: SlotObserver): void {
    this.#observer = observer;
  }

  /** Takes a slot without a task, now or as soon as one is free: no other task is leased for it. Given back by the answer. */
  holdSlot(): () => void {
    this.#occupied += 1;
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#occupied -= 1;
      this.#holds -= 1;
      this.#observer?.onChange();
      this.#wake();
    };
  }

  /** All, those being settled included. */
  get size(): number {
    return this.#byRun.size;
  }

  /** How many have ended, but are not written yet. */
  get settling(): number {
    return this.#byRun.values().filter(isSettling).length;
  }

  add(task: ActiveTask): void {
    const { run, ref } = task;
    this.#byRun.set(task);
    const others = this.#runsById.get(ref.id);
    this.#runsById.set(ref.id, others === undefined ? run : [...listOf(others), run]);
    this.#occupied += 1;
    this.#observer?.onTaken(task);
  }

  get(run: number): ActiveTask | undefined {
    return this.#byRun.get(run);
  }

  /** The runs of this task ID that still occupy a slot, in whatever queue. */
  withId(taskId: string): ActiveTask[] {
    return listOf(this.#runsById.get(taskId))
      .flatMap((run) => this.#byRun.get(run) ?? [])
      .filter(({ phase }) => phase !== 'settling');
  }

  /** Whether another run of the same task still occupies a slot. */
  hasOther({ run, ref }: ActiveTask): boolean {
    const found = this.#runsById.get(ref.id);
    if (found === undefined || found === run) return false;
    return this.withId(ref.id).some((other) => other.run !== run && other.ref.queue === ref.queue);
  }

  /** Those that occupy a slot, in the order in which they were leased. */
  inSlots(): ActiveTask[] {
    const tasks = this.#byRun.values().filter(({ phase }) => phase !== 'settling');
    return tasks.sort((a, b) => a.leasedMonotonicMs - b.leasedMonotonicMs || a.run - b.run);
  }

  /** How many of those that run, and are known to, have done so since before this instant. */
  runningSince(wallMs: number): number {
    if (this.#running.size === 0) return 0;
    return this.#running.values().filter(({ startedWallMs = 0 }) => startedWallMs < wallMs).length;
  }

  /** A thread has begun it. Of a run that is over by the time this is known nobody needs to call it. */
  begun(task: ActiveTask): void {
    if (task.phase !== 'waiting') return;
    task.phase = 'running';
    this.#running.set(task);
  }

  /** The code has stopped: the slot is free. `runMs`: what the run took. */
  freeSlot(task: ActiveTask, runMs?: number): void {
    if (task.phase === 'settling') return;
    if (task.phase === 'running') this.#running.delete(task.run);
    task.phase = 'settling';
    this.#occupied -= 1;
    this.#observer?.onFreed(task, runMs);
    this.#wake();
  }

  /** Redis has confirmed, or the lease is over. */
  remove(task: ActiveTask): void {
    this.freeSlot(task);
    if (!this.#byRun.delete(task.run)) return;
    const { id } = task.ref;
    const found = this.#runsById.get(id);
    const others = found === task.run ? [] : listOf(found).filter((run) => run !== task.run);
    if (others.length === 0) this.#runsById.delete(id);
    else this.#runsById.set(id, others);
  }

  /** Resolves when a slot is given back, or its task is known not to leave it. */
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

/** What an aggregation was given is no task: its aggregator writes it, in its own time. */
function isSettling({ phase, aggregation }: ActiveTask): boolean {
  return phase === 'settling' && aggregation === undefined;
}

function listOf(found: number | readonly number[] | undefined): readonly number[] {
  if (found === undefined) return [];
  return typeof found === 'number' ? [found] : found;
}
