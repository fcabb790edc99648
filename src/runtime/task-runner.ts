/**
 * Brings a leased task to a thread and hears what the thread says of it: begun, progress, log lines, outcome, death.
 */
import type { Clock } from '../clock.ts';
import { ThreadDiedError, type HandlerNotFoundError } from '../errors.ts';
import { attemptDeadline, type AttemptDeadline } from '../policy/attempt-deadline.ts';
import type { RunDeath, RunEnd } from '../policy/settlement.ts';
import { reviveError } from '../serialize-error.ts';
import type {
  HandlerRef,
  HandlerReport,
  LogLine,
  TaskEnvelope,
  TaskOutcome,
} from '../threads/messages.ts';
import type {
  Begun,
  Death,
  Doom,
  EnqueueFromThread,
  PoolListener,
} from '../threads/pool-listener.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Deadlines } from './deadlines.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Finisher } from './finisher.ts';
import type { HangWatch } from './hang-watch.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { reportOf } from './run-report.ts';
import type { Stopper } from './stopper.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the runner works with. */
export interface TaskRunnerOptions {
  readonly active: ActiveTasks;
  readonly pool: Pick<ThreadPool, 'hand'>;
  readonly finisher: Finisher;
  readonly stopper: Stopper;
  readonly deadlines: Pick<Deadlines, 'watch'>;
  readonly hangWatch: Pick<HangWatch, 'watch'>;
  readonly leases: Pick<LeaseKeeper, 'onBegun'>;
  readonly emitter: ServerEmitter;
  readonly hooks: UserHooks;
  readonly clock: Clock;
  onLog(lines: readonly LogLine[], threadId: number): void;
  onEnqueue(request: EnqueueFromThread): void;
}

/** The listener of the pool. */
export class TaskRunner implements PoolListener {
  readonly #options: TaskRunnerOptions;
  /** What a thread needs of each handler. */
  readonly #handlerRefs = new Map<HandlerReport, HandlerRef>();

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** Hands the task to a thread. Its payload is given away. */
  run(task: ActiveTask, payload: Uint8Array): void {
    this.#options.pool.hand(this.#envelope(task, payload));
  }

  /** Fails a task that needs no thread, e.g. one without handler. */
  reject(task: ActiveTask, error: HandlerNotFoundError): void {
    const end = { kind: 'threw', verdict: 'failure', error } as const;
    this.#options.finisher.finish(task, { end, runMs: 0, failure: 'not_found' });
  }

  onBegun(run: number, threadId: number, atWallMs: number): void {
    const { active, stopper, deadlines, hangWatch, leases } = this.#options;
    const task = active.get(run);
    if (task === undefined) return;
    active.begun(task);
    this.#tellBegun(task, { threadId, atWallMs });
    task.deadline = this.#deadline(task, atWallMs);
    deadlines.watch(task);
    hangWatch.watch(task);
    // The set of an aggregation is kept by the aggregator.
    if (task.aggregation === undefined) leases.onBegun(task);
    stopper.onBegun(task);
  }

  #tellBegun(task: ActiveTask, { threadId, atWallMs }: Begun): void {
    task.threadId = threadId;
    task.startedWallMs = atWallMs;
    // What is no task is told of when it has ended.
    if (task.aggregation !== undefined) return;
    const waitMs = this.#waitMs(task, atWallMs);
    this.#options.emitter.emit('started', { task: task.ref, threadId, waitMs });
  }

  /** Until the thread began, not until it was heard: that may be 40 ms later. */
  #waitMs({ waitedMs, leasedMonotonicMs }: ActiveTask, begunWallMs: number): number | undefined {
    if (waitedMs === undefined) return undefined;
    const { clock } = this.#options;
    const sinceBegun = Math.max(0, clock.wallMs() - begunWallMs);
    return waitedMs + Math.max(0, clock.monotonicMs() - leasedMonotonicMs - sinceBegun);
  }

  onProgress(run: number, value: unknown): void {
    const task = this.#options.active.get(run);
    if (task === undefined) return;
    reportOf(task).progress(value);
    this.#options.emitter.emit('progress', { task: task.ref, value });
  }

  onLog(lines: readonly LogLine[], threadId: number): void {
    this.#options.onLog(lines, threadId);
  }

  onEnqueue(request: EnqueueFromThread): void {
    this.#options.onEnqueue(request);
  }

  /**
   * `begun`: of a run too short for a message of its own. Then nothing watches it any more, and a stop that came meanwhile
   * has nobody to be told to.
   */
  onOutcome(run: number, outcome: TaskOutcome, begun?: Begun): void {
    const task = this.#options.active.get(run);
    if (task === undefined) return;
    if (begun !== undefined) this.#tellBegun(task, begun);
    if (outcome.kind === 'returned') {
      this.#options.finisher.finish(task, { end: outcome, runMs: outcome.runMs, failure: 'error' });
      return;
    }
    this.#options.finisher.finish(task, {
      end: this.#thrown(task, outcome),
      runMs: outcome.runMs,
      failure: outcome.verdict === 'invalid_payload' ? 'invalid_payload' : outcome.failure,
    });
  }

  onDied(run: number, death: Death): void {
    const { active, finisher } = this.#options;
    const task = active.get(run);
    if (task === undefined) return;
    const end = {
      kind: 'died',
      error: new ThreadDiedError(deathText(death)),
      death: { kind: blame(task, death), of: 'thread' },
    } as const;
    const failure = death.isOutOfMemory ? 'out_of_memory' : 'thread_died';
    finisher.finish(task, { end, runMs: this.#runMs(task), failure });
  }

  onDoomed(doom: Doom, threadId: number): void {
    const { emitter } = this.#options;
    const error = reviveError(doom.error);
    const { task } = doom;
    if (task?.isOver === true) {
      const { id, type, queue } = task;
      emitter.emit('lateError', { task: { id, type, queue }, error });
    } else if (task === undefined) {
      emitter.fault(`thread ${threadId}, uncaught error of no task`, error);
    }
  }

  onThreadExit(threadId: number): void {
    this.#options.emitter.emit('threadExited', { threadId });
  }

  onFault(where: string, error: unknown): void {
    this.#options.emitter.fault(where, error);
  }

  #thrown(task: ActiveTask, outcome: Extract<TaskOutcome, { kind: 'threw' }>): RunEnd {
    const { verdict, isFailure, retryDelay } = outcome;
    // It has ended its thread: not what an error does, and not to be tried 25 times.
    if (outcome.failure === 'exit') return crashed(reviveError(outcome.error));
    return {
      kind: 'threw',
      verdict,
      error: reviveError(outcome.error),
      ...(isFailure === undefined ? {} : { isFailure }),
      ...(retryDelay === undefined
        ? {}
        : { retryDelayMs: this.#options.hooks.handlerDelay(retryDelay, task.ref) }),
    };
  }

  #envelope(task: ActiveTask, payload: Uint8Array): TaskEnvelope {
    const { run, ref, message, aggregation } = task;
    const deadline = this.#deadline(task, this.#options.clock.wallMs());
    const envelope: TaskEnvelope = {
      run,
      handler: this.#handlerRef(task.handler),
      id: ref.id,
      type: ref.type,
      queue: ref.queue,
      payload,
      headers: message.headers,
      retried: ref.retried,
      maxRetry: task.maxRetry,
      keepsResult: message.retention > 0,
      deadline: deadline.deadlineMs,
    };
    return aggregation === undefined ? envelope : { ...envelope, group: aggregation.parcel };
  }

  #handlerRef(report: HandlerReport): HandlerRef {
    const known = this.#handlerRefs.get(report);
    if (known !== undefined) return known;
    const { url, pattern } = report;
    const ref = { url, pattern };
    this.#handlerRefs.set(report, ref);
    return ref;
  }

  #deadline(task: ActiveTask, startWallMs: number): AttemptDeadline {
    return attemptDeadline({
      timeoutSeconds: task.message.timeout,
      deadlineSeconds: task.message.deadline,
      handlerTimeoutMs: task.bounds.timeoutMs,
      nowMs: startWallMs,
    });
  }

  #runMs(task: ActiveTask): number | undefined {
    if (task.startedWallMs === undefined) return undefined;
    return Math.max(0, this.#options.clock.wallMs() - task.startedWallMs);
  }
}

/** What a thread's death means for this task. */
function blame(task: ActiveTask, { kind }: Death): RunDeath['kind'] {
  if (kind === 'alone' || kind === 'together') return kind;
  // Ended by us: a neighbour of whom it was ended for, unless nobody knows which of them it was.
  return task.isSuspected && kind === 'terminated' ? 'together' : 'bystander';
}

function deathText({ isOutOfMemory, error }: Death): string {
  return isOutOfMemory
    ? 'the thread ran out of memory while it ran the task'
    : `the thread ended while it ran the task: ${error.message}`;
}

function crashed(error: Error): RunEnd {
  return { kind: 'died', error, death: { kind: 'alone', of: 'thread' } };
}
