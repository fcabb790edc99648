/**
 * Settles tasks of servers that died: their leases ran out more than 30 s ago (protocol 16.8). A recovered attempt
 * counts as a failure with the text `asynq: task lease expired`.
 */
import type { Broker, ExpiredLease, Settlement } from '../broker/broker.ts';
import { UndecodableMessageError } from '../errors.ts';
import { decideSettlement, type Decision } from '../policy/settlement.ts';
import { stopError } from '../policy/stop-reason.ts';
import { undecodableMessage } from '../policy/undecodable.ts';
import { UNDECODABLE_TYPE, type TaskRef } from '../task.ts';
import type { Registry } from '../threads/registry.ts';
import { every } from './every.ts';
import { announce, failedSettlement, type FinishedRun } from './finisher.ts';
import { readMessage, refOf } from './intake.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the recoverer works with. */
export interface RecovererOptions {
  readonly broker: Pick<Broker, 'expiredLeases' | 'settleExpired'>;
  readonly queues: readonly string[];
  /** Its handlers' `retries` are upper bounds here as well: a task that kills its server must not be tried for ever. */
  readonly registry: Pick<Registry, 'resolve'>;
  readonly intervalMs: number;
  readonly hooks: Pick<UserHooks, 'isFailure' | 'retryDelay'>;
  readonly emitter: ServerEmitter;
}

/** An ordinary failure, as asynq counts it: whether the task or the machine ended its server, nobody knows. */
const EXPIRED: FinishedRun = {
  end: { kind: 'threw', verdict: 'failure', error: stopError('lease_lost') },
  runMs: undefined,
  failure: 'lease_expired',
};

interface Recovery {
  readonly task: TaskRef;
  readonly decision: Decision;
  readonly settlement: Settlement;
}

/** The service that recovers tasks; first at start. */
export function recoverer(options: RecovererOptions): Service {
  const { queues, intervalMs, emitter } = options;
  return every({
    name: 'recoverer',
    intervalMs,
    isImmediate: true,
    run: async () => {
      await Promise.all(queues.map((queue) => recoverQueue(options, queue)));
    },
    onFault: (where, error) => emitter.fault(where, error),
  });
}

async function recoverQueue(options: RecovererOptions, queue: string): Promise<void> {
  const { broker, emitter } = options;
  for (;;) {
    const expired = await broker.expiredLeases(queue);
    if (expired.length === 0) return;
    const recoveries = expired.map((lease) => plan(options, queue, lease));
    const settlements = recoveries.map((recovery) => recovery.settlement);
    const replies = await broker.settleExpired(queue, settlements);
    recoveries.forEach(({ task, decision }, index) => {
      // "lost": another server was faster, or the owner came back in time.
      if (replies[index] !== 'settled') return;
      announce(emitter, { task, decision, finished: EXPIRED, stop: undefined, crashes: 0 });
    });
    if (!replies.includes('settled')) return;
  }
}

function plan(options: RecovererOptions, queue: string, lease: ExpiredLease): Recovery {
  const message = readMessage(queue, lease);
  if (message instanceof UndecodableMessageError) return planUndecodable(queue, lease, message);
  const task = refOf(queue, lease.id, message);
  const decision = decideSettlement({
    end: EXPIRED.end,
    stop: undefined,
    retried: task.retried,
    maxRetry: Math.min(
      message.retry,
      options.registry.resolve(message.type)?.retries ?? message.retry,
    ),
    crashes: 0,
    maxCrashes: Number.POSITIVE_INFINITY,
    retentionSeconds: message.retention,
    isFailure: (error) => options.hooks.isFailure(error),
    retryDelay: (error) => options.hooks.retryDelay(task, error),
  });
  if (decision.kind !== 'retry' && decision.kind !== 'archive') {
    throw new Error(`a dead task is retried or archived, not: ${decision.kind}`);
  }
  const settlement = failedSettlement(lease.message ?? new Uint8Array(), task, decision);
  return { task, decision, settlement };
}

function planUndecodable(queue: string, lease: ExpiredLease, error: Error): Recovery {
  return {
    task: { id: lease.id, type: UNDECODABLE_TYPE, queue, retried: 0, maxRetry: 0 },
    decision: { kind: 'archive', error },
    settlement: {
      kind: 'archive',
      id: lease.id,
      message: undecodableMessage({ id: lease.id, queue, raw: lease.message, error }),
    },
  };
}
