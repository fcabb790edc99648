/** What goes into the history of a task when an attempt of it has ended. */
import type { EndedAttempt } from '../broker/broker.ts';
import { errorText } from '../policy/error-text.ts';
import type { Decision, RunEnd } from '../policy/settlement.ts';
import { decodeServerName } from '../wire/lease-token.ts';
import type { AttemptPlace } from '../wire/task-records.ts';

/** What is known of the attempt. */
export interface AttemptFacts extends AttemptPlace {
  readonly decision: Decision;
  readonly end: RunEnd;
  /** A thread has begun it. */
  readonly hasBegun: boolean;
  /** Absent: not known here, to be taken from what was noted when it began. */
  readonly runMs?: number | undefined;
}

/**
 * The entry; `undefined` where none is made: the task is not kept, or nothing was attempted. A task that failed although no
 * thread could begin it (no handler, its deadline past) has spent an attempt.
 */
export function endedAttempt(facts: AttemptFacts): EndedAttempt | undefined {
  const outcome = outcomeOf(facts);
  if (outcome === undefined) return undefined;
  const { decision, end, server, thread, runMs } = facts;
  const error = 'error' in decision ? decision.error : end.kind === 'died' ? end.error : undefined;
  return {
    outcome,
    server,
    thread,
    ...(error === undefined ? {} : { error: errorText(error) }),
    ...(runMs === undefined ? {} : { runMs }),
  };
}

function outcomeOf({ decision, hasBegun }: AttemptFacts): EndedAttempt['outcome'] | undefined {
  switch (decision.kind) {
    case 'complete':
      return 'ok';
    case 'archive':
      return 'archived';
    case 'retry':
      return decision.reason === 'put_off' ? undefined : 'retry';
    case 'requeue':
      return hasBegun ? 'requeued' : undefined;
    case 'done':
    case 'revoke':
    case 'drop':
      return undefined;
  }
}

/** A server's address as far as its name in a token tells it. */
export function addressOfName(serverName: string): string {
  const { serverId, place } = decodeServerName(serverName);
  return `?:${place?.process.pid ?? '?'}:${serverId}`;
}
