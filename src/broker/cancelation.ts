/**
 * Cancel requests. Over Pub/Sub (protocol 12.2), which is fast and best effort; and as a mark beside the running task,
 * the caller of `mark-canceled.lua`, which whoever extends the lease sees even if it missed the message.
 */
import { CANCEL_CHANNEL, QUEUES, queueKeys } from '../wire/keys.ts';
import { type BrokerContext, call } from './context.ts';
import type { Listener } from './listener.ts';
import { toNumber } from './reply.ts';

/** Asks every server of the fleet to cancel a task. Nobody answers. */
export async function publishCancel(context: BrokerContext, taskId: string): Promise<void> {
  await context.connection.run((redis) => redis.publish(CANCEL_CHANNEL, taskId));
}

/**
 * Marks the active tasks of this ID, in one queue or in all: one script per queue in one round trip, as only the keys of
 * one queue share a Cluster slot; answers how many.
 */
export async function markCanceled(
  context: BrokerContext,
  taskId: string,
  queue?: string,
): Promise<number> {
  const names = queue === undefined ? await allQueues(context) : [queue];
  const marked = await Promise.all(
    names
      .map(queueKeys)
      .map(({ lease, taskPrefix }) =>
        call(context, 'mark-canceled', [lease], [taskPrefix, taskId]),
      ),
  );
  return marked.map(toNumber).reduce((sum, count) => sum + count, 0);
}

async function allQueues({ connection }: BrokerContext): Promise<string[]> {
  return connection.run((redis) => redis.smembers(QUEUES), { key: QUEUES });
}

/**
 * Calls back for every cancel request until the returned function is called. The first subscription is awaited; if it
 * fails, nothing is left behind and the call rejects.
 */
export function subscribeCancel(
  listener: Listener,
  onCancel: (taskId: string) => void,
): Promise<() => void> {
  return listener.subscribe(CANCEL_CHANNEL, (heard) => onCancel(String(heard)));
}
