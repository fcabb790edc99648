/** One task as either side's client takes it, and what Redis then holds of it. */
import type { EnqueueOptions, NewTask } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, type QueueState, withoutPendingSince } from '../helpers/queue-state.ts';
import { forGo, type GoTask, type Peer } from './peer.ts';
import type { Stage } from './stage.ts';

/** A task with its options, for Threadmill's client. */
export interface Call {
  readonly task: NewTask;
  readonly options: EnqueueOptions;
}

/** The same task and options for Threadmill's client, which has instants in milliseconds and another name for `unique`. */
export function forThreadmill({ options = {}, ...task }: GoTask): Call {
  const { deadline, processAt, unique, ...same } = options;
  return {
    task,
    options: {
      ...same,
      ...(deadline === undefined ? {} : { deadline: deadline * 1000 }),
      ...(processAt === undefined ? {} : { processAt: new Date(processAt * 1000) }),
      ...(unique === undefined ? {} : { uniqueFor: unique }),
    },
  };
}

/** Enqueues by Go's client, or by Threadmill's; rejects with the error of that client. */
export async function enqueueBy(by: Peer | Stage, task: GoTask): Promise<string> {
  if ('client' in by) {
    const call = forThreadmill(task);
    return (await by.client.enqueue(call.task, call.options)).id;
  }
  return (await by.enqueue(task)).id;
}

/** The whole state of a queue, without instants that nobody can foretell, and apart from them what has a time to live. */
export async function stateOf(
  stage: Stage,
  queue: string,
): Promise<{ readonly state: QueueState; readonly ttl: QueueState['ttl'] }> {
  const { prefix } = queueKeys(queue);
  const full = withoutPendingSince(await queueState(stage.redisOf(prefix), queue));
  return { state: { ...full, ttl: {} }, ttl: full.ttl };
}

/** Deletes every key of a queue. */
export async function clear(stage: Stage, queue: string): Promise<void> {
  const { prefix } = queueKeys(queue);
  const redis = stage.redisOf(prefix);
  const keys = (await redis.keys('*')).filter((key) => key.startsWith(prefix));
  if (keys.length > 0) await redis.del(...keys);
}

export { forGo };
