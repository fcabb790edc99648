/**
 * Ends a run: asks the policy what becomes of the task, frees the slot, hands the transition to the settler, and says
 * what happened once Redis has confirmed it.
 */
import type { SettleReply, Settlement } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { decideSettlement, type Decision, type RunEnd } from '../policy/settlement.ts';
import { errorText } from '../policy/error-text.ts';
import type { TaskRef } from '../task.ts';
import { rewriteTaskMessage } from '../wire/task-message.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import type { ServerEvents } from './events.ts';
import type { Settler } from './settler.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the finisher works with. */
export interface FinisherOptions {
  readonly active: ActiveTasks;
  readonly settler: Pick<Settler, 'settle'>;
  readonly emitter: ServerEmitter;
  readonly hooks: UserHooks;
  readonly clock: Clock;
}

/** Why an attempt failed, as the `failed` event names it. */
export type FailureReason = ServerEvents['failed'][0]['reason'];

/** How a run ended, with what is known of it. */
export interface FinishedRun {
  readonly end: RunEnd;
  readonly runMs: number | undefined;
  /** Label of the failure when the run was not stopped. */
  readonly failure: FailureReason;
}

/** Ends runs. */
export class Finisher {
  readonly #options: FinisherOptions;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** The code of this run has stopped: settle it. A run that was finished already is left alone. */
  finish(task: ActiveTask, finished: FinishedRun): void {
    if (task.phase === 'settling') return;
    const decision = this.#decide(task, finished.end);
    this.#options.active.freeSlot(task);
    if ('error' in decision) this.#options.hooks.onError(decision.error, task.ref);
    const settlement = toSettlement(task, decision);
    if (settlement === undefined) {
      this.#conclude(task, finished, decision, 'lost');
      return;
    }
    this.#options.settler.settle({
      queue: task.ref.queue,
      settlement,
      leaseEndsMonotonicMs: task.leaseEndsMonotonicMs,
      onSettled: (reply) => this.#conclude(task, finished, decision, reply),
    });
  }

  /** Gives a task back to the front of its queue, nothing spent. */
  requeue(task: ActiveTask, reason: 'shutdown' | 'thread_died'): void {
    if (task.phase === 'settling') return;
    this.#options.active.freeSlot(task);
    const decision: Decision = { kind: 'requeue', reason };
    this.#options.settler.settle({
      queue: task.ref.queue,
      settlement: { kind: 'requeue', id: task.ref.id },
      leaseEndsMonotonicMs: task.leaseEndsMonotonicMs,
      onSettled: (reply) =>
        this.#conclude(task, { end: SUCCESS, runMs: undefined, failure: 'error' }, decision, reply),
    });
  }

  #decide(task: ActiveTask, end: RunEnd): Decision {
    const { hooks } = this.#options;
    return decideSettlement({
      end,
      stop: task.stop,
      retried: task.ref.retried,
      maxRetry: task.maxRetry,
      retentionSeconds: task.message.retention,
      isFailure: (error) => hooks.isFailure(error),
      retryDelay: (error) => hooks.retryDelay(task.ref, error),
    });
  }

  #conclude(task: ActiveTask, finished: FinishedRun, decision: Decision, reply: SettleReply): void {
    this.#options.active.remove(task);
    if (reply === 'lost') this.#options.emitter.emit('lost', { task: task.ref });
    else announce(this.#options.emitter, task.ref, decision, finished, task.stop);
  }
}

const SUCCESS: RunEnd = { kind: 'returned' };

function toSettlement(task: ActiveTask, decision: Decision): Settlement | undefined {
  const { id } = task.ref;
  const { uniqueKey, retention } = task.message;
  switch (decision.kind) {
    case 'done':
    case 'revoke':
      return { kind: 'done', id, uniqueKey };
    case 'complete':
      return {
        kind: 'complete',
        id,
        uniqueKey,
        message: rewriteTaskMessage(task.raw, { stamp: 'completedAt' }),
        retentionSeconds: retention,
        ...(decision.result === undefined ? {} : { result: decision.result }),
      };
    case 'retry':
    case 'archive':
      return failedSettlement(task.raw, task.ref, decision);
    case 'requeue':
      return { kind: 'requeue', id };
    case 'drop':
      return undefined;
  }
}

/** The transition of a failed attempt; the recoverer uses it as well. */
export function failedSettlement(
  raw: Uint8Array,
  ref: Pick<TaskRef, 'id' | 'retried'>,
  decision: Extract<Decision, { kind: 'retry' | 'archive' }>,
): Settlement {
  const errorMsg = errorText(decision.error);
  if (decision.kind === 'archive') {
    const message = rewriteTaskMessage(raw, { errorMsg, stamp: 'lastFailedAt' });
    return { kind: 'archive', id: ref.id, message };
  }
  const retried = decision.counts ? ref.retried + 1 : ref.retried;
  return {
    kind: 'retry',
    id: ref.id,
    message: rewriteTaskMessage(raw, { errorMsg, retried, stamp: 'lastFailedAt' }),
    delayMs: decision.delayMs,
    counts: decision.counts,
  };
}

/** Says what happened; the recoverer uses it as well. */
export function announce(
  emitter: ServerEmitter,
  task: TaskRef,
  decision: Decision,
  finished: FinishedRun,
  stop: ActiveTask['stop'],
): void {
  const runMs = finished.runMs ?? 0;
  switch (decision.kind) {
    case 'done':
    case 'complete':
      return emitter.emit('succeeded', { task, runMs, isKept: decision.kind === 'complete' });
    case 'revoke':
      return emitter.emit('revoked', { task, error: decision.error, runMs });
    case 'requeue':
      return emitter.emit('requeued', { task, reason: decision.reason });
    case 'retry':
    case 'archive':
      return announceFailure(emitter, task, decision, {
        error: decision.error,
        runMs: finished.runMs,
        reason: stop ?? finished.failure,
      });
    case 'drop':
      return;
  }
}

function announceFailure(
  emitter: ServerEmitter,
  task: TaskRef,
  decision: Extract<Decision, { kind: 'retry' | 'archive' }>,
  failure: Omit<ServerEvents['failed'][0], 'task'>,
): void {
  const { error } = decision;
  if (decision.kind === 'archive') {
    emitter.emit('failed', { task, ...failure });
    emitter.emit('archived', { task, error });
    return;
  }
  const { delayMs, counts, reason } = decision;
  if (reason !== 'retry_later') emitter.emit('failed', { task, ...failure });
  emitter.emit('retried', { task, error, delayMs, counts, reason });
}
