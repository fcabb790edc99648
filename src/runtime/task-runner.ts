/**
 * Brings a leased task to a thread and hears what the thread says of it: begun, progress, log lines, outcome, death.
 */
import type { Clock } from '../clock.ts';
import { ThreadDiedError, type HandlerNotFoundError } from '../errors.ts';
import { attemptDeadline, type AttemptDeadline } from '../policy/attempt-deadline.ts';
import type { RunEnd } from '../policy/settlement.ts';
import { reviveError } from '../serialize-error.ts';
import type { LogLine, SerializedError, TaskEnvelope, TaskOutcome } from '../threads/messages.ts';
import type { EnqueueFromThread, PoolListener } from '../threads/pool-listener.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Deadlines } from './deadlines.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Finisher } from './finisher.ts';
import type { Stopper } from './stopper.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the runner works with. */
export interface TaskRunnerOptions {
  readonly active: ActiveTasks;
  readonly pool: Pick<ThreadPool, 'hand'>;
  readonly finisher: Finisher;
  readonly stopper: Stopper;
  readonly deadlines: Deadlines;
  readonly emitter: ServerEmitter;
  readonly hooks: UserHooks;
  readonly clock: Clock;
  onLog(lines: readonly LogLine[], threadId: number): void;
  onEnqueue(request: EnqueueFromThread): void;
}

/** The listener of the pool. */
export class TaskRunner implements PoolListener {
  readonly #options: TaskRunnerOptions;

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
    const { active, stopper, deadlines, emitter, clock } = this.#options;
    const task = active.get(run);
    if (task === undefined) return;
    task.phase = 'running';
    task.threadId = threadId;
    task.startedWallMs = atWallMs;
    task.deadline = this.#deadline(task, atWallMs);
    deadlines.watch(task);
    const sinceLease = clock.monotonicMs() - task.leasedMonotonicMs;
    const waitMs = task.waitedMs === undefined ? undefined : task.waitedMs + sinceLease;
    emitter.emit('started', { task: task.ref, threadId, waitMs });
    stopper.onBegun(task);
  }

  onProgress(run: number, value: unknown): void {
    const task = this.#options.active.get(run);
    if (task !== undefined) this.#options.emitter.emit('progress', { task: task.ref, value });
  }

  onLog(lines: readonly LogLine[], threadId: number): void {
    this.#options.onLog(lines, threadId);
  }

  onEnqueue(request: EnqueueFromThread): void {
    this.#options.onEnqueue(request);
  }

  onOutcome(run: number, outcome: TaskOutcome): void {
    const task = this.#options.active.get(run);
    if (task === undefined) return;
    if (outcome.kind === 'returned') {
      this.#options.finisher.finish(task, { end: outcome, runMs: outcome.runMs, failure: 'error' });
      return;
    }
    this.#options.finisher.finish(task, {
      end: this.#thrown(task, outcome),
      runMs: outcome.runMs,
      failure: outcome.verdict === 'invalid_payload' ? 'invalid_payload' : 'error',
    });
  }

  onDied(run: number, error: Error, wasTerminated: boolean): void {
    const { active, finisher } = this.#options;
    const task = active.get(run);
    if (task === undefined) return;
    // A neighbour on a thread that was ended because of another task: nothing of this is its fault.
    if (wasTerminated && task.stop === undefined) {
      finisher.requeue(task, 'thread_died');
      return;
    }
    const death = new ThreadDiedError(`the thread ended while it ran the task: ${error.message}`);
    const end = { kind: 'died', error: death, hasBegun: task.phase === 'running' } as const;
    finisher.finish(task, { end, runMs: this.#runMs(task), failure: 'thread_died' });
  }

  onUncaught(run: number, error: SerializedError, threadId: number): void {
    const task = this.#options.active.get(run);
    const whose = task === undefined ? `run ${run}` : `task ${task.ref.id}`;
    const where = `thread ${threadId}, uncaught error of ${whose}`;
    this.#options.emitter.fault(where, reviveError(error));
  }

  onThreadExit(threadId: number): void {
    this.#options.emitter.emit('threadExited', { threadId });
  }

  onFault(where: string, error: unknown): void {
    this.#options.emitter.fault(where, error);
  }

  #thrown(task: ActiveTask, outcome: Extract<TaskOutcome, { kind: 'threw' }>): RunEnd {
    const { verdict, isFailure, retryDelay } = outcome;
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
    const { run, ref, handler, message } = task;
    const deadline = this.#deadline(task, this.#options.clock.wallMs());
    return {
      run,
      handler: { url: handler.url, pattern: handler.pattern },
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
  }

  #deadline(task: ActiveTask, startWallMs: number): AttemptDeadline {
    return attemptDeadline({
      timeoutSeconds: task.message.timeout,
      deadlineSeconds: task.message.deadline,
      handlerTimeoutMs: task.handlerTimeoutMs,
      nowMs: startWallMs,
    });
  }

  #runMs(task: ActiveTask): number | undefined {
    if (task.startedWallMs === undefined) return undefined;
    return Math.max(0, this.#options.clock.wallMs() - task.startedWallMs);
  }
}
