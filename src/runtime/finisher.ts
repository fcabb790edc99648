/**
 * Ends a run: asks the policy what becomes of the task, frees the slot, hands the transition to the settler, and says
 * what happened once Redis has confirmed it.
 */
import type { DeathMark, EndedAttempt, SettleReply, Settlement } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { TaskPutOffError, ThreadDiedError } from '../errors.ts';
import {
  decideReturn,
  decideSettlement,
  type Decision,
  type RunEnd,
} from '../policy/settlement.ts';
import { errorText } from '../policy/error-text.ts';
import type { TaskRef } from '../task.ts';
import { giveBack } from '../wire/spare-memory.ts';
import { rewriteTaskMessage } from '../wire/task-message.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import { endedAttempt } from './ended-attempt.ts';
import type { ServerEvents } from './events.ts';
import type { SettlementRecord, Settler } from './settler.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the finisher works with. */
export interface FinisherOptions {
  readonly active: ActiveTasks;
  readonly settler: Pick<Settler, 'settle'>;
  readonly emitter: ServerEmitter;
  readonly hooks: UserHooks;
  readonly clock: Clock;
  readonly maxCrashes: number;
  /** `host:pid:uuid` of this server. */
  readonly address: string;
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

/** A task that is put off comes back after this time, or up to twice as late; no slot waits with it. */
const PUT_OFF_MS = 1_000;

/** Ends runs. */
export class Finisher {
  readonly #options: FinisherOptions;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** The code of this run has stopped: settle it. A run that was finished already is left alone. */
  finish(task: ActiveTask, finished: FinishedRun): void {
    if (task.phase === 'settling') return;
    // Later than the fence could be: the process was frozen, and somebody else may run the task by now.
    if (task.leaseEndsMonotonicMs <= this.#options.clock.monotonicMs()) task.stop = 'lease_lost';
    if (task.aggregation !== undefined) {
      this.#options.active.freeSlot(task);
      return task.aggregation.onEnd(finished);
    }
    const decision = this.#decide(task, finished.end);
    this.#options.active.freeSlot(task, finished.runMs);
    if ('error' in decision) this.#options.hooks.onError(decision.error, task.ref);
    this.#settle(task, finished, decision);
  }

  #settle(task: ActiveTask, finished: FinishedRun, decision: Decision): void {
    const settlement = toSettlement(task, decision);
    if (settlement === undefined) this.conclude(task, finished, decision, 'lost');
    else {
      const attempt = this.#attempt(task, finished, decision);
      this.#options.settler.settle(new Ending(this, task, finished, decision, settlement, attempt));
    }
  }

  #attempt(task: ActiveTask, finished: FinishedRun, decision: Decision): EndedAttempt | undefined {
    if (decision.kind === 'done') return undefined; // nothing is kept of it
    const attempt = endedAttempt({
      decision,
      end: finished.end,
      hasBegun: task.threadId !== undefined,
      server: this.#options.address,
      thread: task.threadId,
      runMs: finished.runMs ?? 0,
    });
    const report = task.report?.unsent()?.change;
    return attempt === undefined || report === undefined ? attempt : { ...attempt, report };
  }

  /** Ends a task whose code never began: by the reason it was stopped for, or as a bystander of a thread's end. */
  finishUnbegun(task: ActiveTask): void {
    const error = new ThreadDiedError('the task had not begun');
    const end = { kind: 'died', error, death: { kind: 'bystander', of: 'thread' } } as const;
    this.finish(task, { end, runMs: undefined, failure: 'thread_died' });
  }

  /** Gives a task that has not begun back to the front of its queue: a slot of another server may be free for it. */
  giveBack(task: ActiveTask): void {
    const error = new TaskPutOffError('it waited too long for a slot');
    const end = { kind: 'threw', verdict: 'retry_later', error } as const;
    this.#options.active.freeSlot(task);
    const finished = { end, runMs: undefined, failure: 'error' } as const;
    this.#settle(task, finished, { kind: 'requeue', reason: 'waited' });
  }

  /** Lets a task that has not begun be tried again a little later; nothing is counted or spent. */
  putOff(task: ActiveTask, reason: string): void {
    const error = new TaskPutOffError(reason);
    const end = { kind: 'threw', verdict: 'retry_later', error } as const;
    const delayMs = PUT_OFF_MS * (1 + Math.random());
    const decision = { kind: 'retry', error, delayMs, counts: false, reason: 'put_off' } as const;
    this.#options.active.freeSlot(task);
    this.#settle(task, { end, runMs: undefined, failure: 'error' }, decision);
  }

  #decide(task: ActiveTask, end: RunEnd): Decision {
    if (end.kind === 'returned') {
      return decideReturn(task.stop, task.message.retention, end.result);
    }
    const { hooks } = this.#options;
    return decideSettlement({
      end,
      stop: task.stop,
      retried: task.ref.retried,
      maxRetry: task.maxRetry,
      crashes: task.crashes,
      maxCrashes: this.#options.maxCrashes,
      retentionSeconds: task.message.retention,
      isFailure: (error) => hooks.isFailure(error),
      retryDelay: (error) => hooks.retryDelay(task.ref, error),
    });
  }

  /** Redis has taken the transition, or nothing is to be written. */
  conclude(task: ActiveTask, finished: FinishedRun, decision: Decision, reply: SettleReply): void {
    this.#options.active.remove(task);
    // Nothing was made of it: what other decisions write holds a copy. And no thread reads it: one that began the task has
    // copied the payload before it ran any code.
    giveBack(task.raw);
    const { emitter } = this.#options;
    if (reply === 'lost') return emitter.emit('lost', { task: task.ref });
    announce(emitter, {
      task: task.ref,
      decision,
      finished,
      stop: task.stop,
      crashes: task.crashes,
    });
  }
}

/** One run on its way to being settled: a record for the settler, made once per task, so without closures. */
class Ending implements SettlementRecord {
  readonly queue: string;
  readonly run: number;
  readonly settlement: Settlement;
  readonly leaseEndsMonotonicMs: number;
  readonly attempt: EndedAttempt | undefined;
  readonly #finisher: Finisher;
  readonly #task: ActiveTask;
  readonly #finished: FinishedRun;
  readonly #decision: Decision;

  constructor(
    finisher: Finisher,
    task: ActiveTask,
    finished: FinishedRun,
    decision: Decision,
    settlement: Settlement,
    attempt: EndedAttempt | undefined,
  ) {
    this.queue = task.ref.queue;
    this.run = task.run;
    this.settlement = settlement;
    this.leaseEndsMonotonicMs = task.leaseEndsMonotonicMs;
    this.attempt = attempt;
    this.#finisher = finisher;
    this.#task = task;
    this.#finished = finished;
    this.#decision = decision;
  }

  onSettled(reply: SettleReply): void {
    this.#finisher.conclude(this.#task, this.#finished, this.#decision, reply);
  }
}

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
      return { kind: 'requeue', id, ...markOf(decision) };
    case 'drop':
      return undefined;
  }
}

function markOf({ mark }: { readonly mark?: DeathMark }): { mark?: DeathMark } {
  return mark === undefined ? {} : { mark };
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
    return { kind: 'archive', id: ref.id, message, ...markOf(decision) };
  }
  const retried = decision.counts ? ref.retried + 1 : ref.retried;
  return {
    kind: 'retry',
    id: ref.id,
    message: rewriteTaskMessage(raw, { errorMsg, retried, stamp: 'lastFailedAt' }),
    delayMs: decision.delayMs,
    counts: decision.counts,
    ...markOf(decision),
  };
}

/** The end of an attempt, once Redis has confirmed it. */
export interface ConfirmedEnd {
  readonly task: TaskRef;
  readonly decision: Decision;
  readonly finished: FinishedRun;
  readonly stop: ActiveTask['stop'];
  /** Crashes before this end. */
  readonly crashes: number;
}

/** Says what happened; the recoverer and the supervisor use it as well. */
export function announce(emitter: ServerEmitter, ended: ConfirmedEnd): void {
  const { task, decision, finished, stop } = ended;
  const runMs = finished.runMs ?? 0;
  if ('mark' in decision && decision.mark === 'crash') {
    emitter.emit('crashed', { task, crashes: ended.crashes + 1 });
  }
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
  const hasFailed = reason !== 'retry_later' && reason !== 'put_off';
  if (hasFailed) emitter.emit('failed', { task, ...failure });
  emitter.emit('retried', { task, error, delayMs, counts, reason });
}
