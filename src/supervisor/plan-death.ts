/** What is to be written for one task of a dead child: its fate put through the rules of every ended attempt. */
import type { EndedAttempt, HeldTask, Settlement } from '../broker/broker.ts';
import { ProcessDiedError, UndecodableMessageError } from '../errors.ts';
import { describeEnd, fateOf, type TaskFate } from '../policy/process-death.ts';
import { decideSettlement, type Decision, type RunEnd } from '../policy/settlement.ts';
import { type ConfirmedEnd, failedSettlement, type FinishedRun } from '../runtime/finisher.ts';
import { endedAttempt } from '../runtime/ended-attempt.ts';
import { readMessage, refOf } from '../runtime/intake.ts';
import { planUndecodable } from '../runtime/recover-tasks.ts';
import type { UserHooks } from '../runtime/user-hooks.ts';
import { journalKey } from '../threads/journal-record.ts';
import type { Registry } from '../threads/registry.ts';
import type { ChildEnd } from './child.ts';

/** What the rules need besides the task. */
export interface DeathRules {
  /** Its handlers' `retries` are upper bounds here as well. */
  readonly registry: Pick<Registry, 'resolve'>;
  readonly hooks: Pick<UserHooks, 'isFailure' | 'retryDelay'>;
  readonly maxCrashes: number;
}

/** The rules for one server. */
export interface ServerDeathRules extends DeathRules {
  /** `host:pid:uuid` of the server that died. */
  readonly address: string;
}

/** What to write, and what to say once Redis has confirmed it. */
export interface PlannedEnd {
  /** The server's name in its tokens, and its run. */
  readonly server: string;
  readonly run: number;
  readonly settlement: Settlement;
  readonly attempt?: EndedAttempt;
  readonly ended: ConfirmedEnd;
}

/** The plan for one task; `undefined` when it is not to be touched. */
export function planDeath(
  rules: ServerDeathRules,
  queue: string,
  held: HeldTask,
  end: ChildEnd,
): PlannedEnd | undefined {
  const key = journalKey({ queue, taskId: held.id });
  const fate = fateOf(key, end.facts);
  const message = readMessage(queue, held);
  if (message instanceof UndecodableMessageError) return buried(queue, held, message);
  const task = refOf(queue, held.id, message);
  const finished = finishedRun(end, fate);
  const stop = fate.kind === 'stopped' ? fate.reason : undefined;
  const decision = decideSettlement({
    end: finished.end,
    stop,
    retried: task.retried,
    maxRetry: Math.min(
      message.retry,
      rules.registry.resolve(message.type)?.retries ?? message.retry,
    ),
    crashes: held.crashes,
    maxCrashes: rules.maxCrashes,
    retentionSeconds: message.retention,
    isFailure: (error) => rules.hooks.isFailure(error),
    retryDelay: (error) => rules.hooks.retryDelay(task, error),
  });
  const settlement = settlementOf(held, task.retried, decision);
  if (settlement === undefined) return undefined;
  const { server, run } = held;
  const hasBegun = held.hasBegun || end.facts.begun.has(key);
  const attempt = endedAttempt({ decision, end: finished.end, hasBegun, server: rules.address });
  return {
    server,
    run,
    settlement,
    ...(attempt && { attempt }),
    ended: { task, decision, finished, stop, crashes: held.crashes },
  };
}

function finishedRun(end: ChildEnd, fate: TaskFate): FinishedRun {
  const error = new ProcessDiedError(
    `the process ended while it ran the task: ${describeEnd(end)}`,
  );
  const death = fate.kind === 'died' ? fate.death : BYSTANDER;
  const run: RunEnd = { kind: 'died', error, death };
  return { end: run, runMs: undefined, failure: 'process_died' };
}

/** Stands for the death of a process that was killed for a stop: the stop decides. */
const BYSTANDER = { kind: 'bystander', of: 'process' } as const;

function settlementOf(held: HeldTask, retried: number, decision: Decision): Settlement | undefined {
  switch (decision.kind) {
    case 'retry':
    case 'archive':
      return failedSettlement(held.message ?? new Uint8Array(), { id: held.id, retried }, decision);
    case 'requeue':
      return decision.mark === undefined
        ? { kind: 'requeue', id: held.id }
        : { kind: 'requeue', id: held.id, mark: decision.mark };
    default:
      return undefined; // `drop`: somebody else's. A dead process has no success to report.
  }
}

function buried(queue: string, held: HeldTask, error: UndecodableMessageError): PlannedEnd {
  const { server, run } = held;
  const { task, decision, settlement } = planUndecodable(queue, held, error);
  const end = { kind: 'threw', verdict: 'failure', error } as const;
  const finished: FinishedRun = { end, runMs: undefined, failure: 'undecodable' };
  return {
    server,
    run,
    settlement,
    ended: { task, decision, finished, stop: undefined, crashes: 0 },
  };
}
