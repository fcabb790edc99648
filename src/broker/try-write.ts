/** Finds out whether Redis would write now, without writing. */
import { queueKeys } from '../wire/keys.ts';
import type { BrokerContext } from './context.ts';

/**
 * Sends for each queue what a lease begins with, but on a key that nobody has: Redis refuses it where it would refuse a
 * lease (full, a replica, ...), and does nothing otherwise. Throws what `Connection.run` throws.
 */
export async function tryWrite(context: BrokerContext, queues: readonly string[]): Promise<void> {
  const keys = queues.map((queue) => `${queueKeys(queue).prefix}threadmill:nothing`);
  await Promise.all(
    keys.map((key) => context.connection.run((redis) => redis.rpoplpush(key, key), { key })),
  );
}
