/** Moves and removes what is due: the caller of `forward.lua` and `expire-completed.lua`. */
import { queueKeys } from '../wire/keys.ts';
import { type BrokerContext, call } from './context.ts';
import { toNumber } from './reply.ts';

/** Moves due tasks of a queue, at most 100 scheduled and 100 to retry; call again until it answers 0. */
export async function forward(context: BrokerContext, queue: string): Promise<number> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, keys.group('')];
  return toNumber(
    await call(context, 'forward', [keys.scheduled, keys.retry, keys.pending, keys.groups], args),
  );
}

/** Deletes completed tasks whose retention is over, at most 100; call again until it answers 0. */
export async function expireCompleted(context: BrokerContext, queue: string): Promise<number> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix];
  return toNumber(await call(context, 'expire-completed', [keys.completed], args));
}
