/** Moves and removes what is due: the caller of `forward.lua`, `expire-completed.lua` and `expired-leases.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { ExpiredLease } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { optional, toBytes, toList, toNumber, toText } from './reply.ts';
import { RECOVERY_GRACE_SECONDS } from './settle.ts';

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

/** Tasks of a queue whose lease ended more than 30 s ago, oldest first, at most 100. */
export async function expiredLeases(
  context: BrokerContext,
  queue: string,
): Promise<ExpiredLease[]> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, RECOVERY_GRACE_SECONDS];
  const reply = toList(await call(context, 'expired-leases', [keys.lease, keys.active], args));
  const expired: ExpiredLease[] = [];
  for (let i = 0; i < reply.length; i += 2) {
    expired.push({ id: toText(reply[i]), message: optional(reply[i + 1], toBytes) });
  }
  return expired;
}
