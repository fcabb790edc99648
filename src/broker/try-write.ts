/** Finds out whether Redis would write now, without writing. */
import { queueKeys } from '../wire/keys.ts';
import type { BrokerContext } from './context.ts';

/**
 * Sends what a lease begins with, but on a key that nobody has: Redis refuses it where it would refuse a lease (full, a
 * replica, ...), and does nothing otherwise. Once, or for each queue where they are on several servers. Throws what
 * `Connection.run` throws.
 */
export async function tryWrite(
  { connection }: BrokerContext,
  queues: readonly string[],
): Promise<void> {
  const asked = connection.isCluster ? queues : queues.slice(0, 1);
  const keys = asked.map((queue) => `${queueKeys(queue).prefix}threadmill:nothing`);
  await Promise.all(
    keys.map((key) => connection.run((redis) => redis.rpoplpush(key, key), { key })),
  );
}
