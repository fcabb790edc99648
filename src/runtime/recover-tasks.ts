/**
 * What becomes of tasks whose server is lost: one that had begun has failed with the text `asynq: task lease expired`
 * (protocol 16.8), one that had not goes back to the front of its queue.
 */
import type { EndedAttempt, HeldTask, LostTask, Settlement } from '../broker/broker.ts';
import { UndecodableMessageError } from '../errors.ts';
import { spendsAttempt } from '../policy/recovery.ts';
import { decideSettlement, type Decision } from '../policy/settlement.ts';
import { stopError } from '../policy/stop-reason.ts';
import { undecodableMessage } from '../policy/undecodable.ts';
import { UNDECODABLE_TYPE, type TaskRef } from '../task.ts';
import type { Registry } from '../threads/registry.ts';
import { decodeLeaseToken } from '../wire/lease-token.ts';
import type { ServerEmitter } from './emitter.ts';
import { addressOfName, endedAttempt } from './ended-attempt.ts';
import { announce, failedSettlement, type FinishedRun } from './finisher.ts';
import { readMessage, refOf } from './intake.ts';
import type { UserHooks } from './user-hooks.ts';

/** The rules of this server. */
export interface RecoveryRules {
  /** Its handlers' `retries` are upper bounds here as well: a task that kills its server must not be tried for ever. */
  readonly registry: Pick<Registry, 'resolve'>;
  readonly hooks: Pick<UserHooks, 'isFailure' | 'retryDelay'>;
}

/** What to write, and what to say once Redis has confirmed it. */
export interface PlannedRecovery {
  readonly task: TaskRef;
  readonly decision: Decision;
  readonly settlement: Settlement;
  /** Absent where nothing was attempted, or not by a server of ours. */
  readonly attempt?: EndedAttempt | undefined;
}

/** An ordinary failure, as asynq counts it: whether the task or the machine ended its server, nobody knows. */
const EXPIRED: FinishedRun = {
  end: { kind: 'threw', verdict: 'failure', error: stopError('lease_lost') },
  runMs: undefined,
  failure: 'lease_expired',
};

/** The plan for one task. */
export function planRecovery(
  rules: RecoveryRules,
  queue: string,
  lost: LostTask | HeldTask,
): PlannedRecovery {
  const message = readMessage(queue, lost);
  if (message instanceof UndecodableMessageError) return planUndecodable(queue, lost, message);
  const task = refOf(queue, lost.id, message);
  if (!spendsAttempt({ isOurs: 'server' in lost || lost.token !== undefined, ...lost })) {
    const decision = { kind: 'requeue', reason: 'process_died' } as const;
    return { task, decision, settlement: { kind: 'requeue', id: lost.id, mark: 'return' } };
  }
  const decision = decideSettlement({
    end: EXPIRED.end,
    stop: undefined,
    retried: task.retried,
    maxRetry: Math.min(
      message.retry,
      rules.registry.resolve(message.type)?.retries ?? message.retry,
    ),
    crashes: 0,
    maxCrashes: Number.POSITIVE_INFINITY,
    retentionSeconds: message.retention,
    isFailure: (error) => rules.hooks.isFailure(error),
    retryDelay: (error) => rules.hooks.retryDelay(task, error),
  });
  if (decision.kind !== 'retry' && decision.kind !== 'archive') {
    throw new Error(`a lost task is retried or archived, not: ${decision.kind}`);
  }
  const settlement = failedSettlement(lost.message ?? new Uint8Array(), task, decision);
  return { task, decision, settlement, attempt: lostAttempt(lost, decision) };
}

/** Its start, server and thread were noted when it began. */
function lostAttempt(lost: LostTask | HeldTask, decision: Decision): EndedAttempt | undefined {
  const name = 'server' in lost ? lost.server : decodeLeaseToken(lost.token ?? '')?.server;
  if (name === undefined) return undefined;
  return endedAttempt({ decision, end: EXPIRED.end, hasBegun: true, server: addressOfName(name) });
}

/** Says what was recovered. */
export function announceRecovery(
  emitter: ServerEmitter,
  { task, decision }: PlannedRecovery,
): void {
  announce(emitter, { task, decision, finished: EXPIRED, stop: undefined, crashes: 0 });
}

/** Bytes that cannot be read: wrapped in a message that can, and put away, with whoever found them. */
export function planUndecodable(
  queue: string,
  { id, message: raw }: Pick<LostTask, 'id' | 'message'>,
  error: UndecodableMessageError,
): PlannedRecovery & { readonly decision: Extract<Decision, { kind: 'archive' }> } {
  return {
    task: { id, type: UNDECODABLE_TYPE, queue, retried: 0, maxRetry: 0 },
    decision: { kind: 'archive', error },
    settlement: { kind: 'archive', id, message: undecodableMessage({ id, queue, raw, error }) },
  };
}
