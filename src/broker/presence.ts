/** Shows this server to the fleet's tools: the caller of `announce.lua` and `list-presence.lua`. */
import { SERVERS, serverKey, WORKERS, workersKey } from '../wire/keys.ts';
import type { PresenceEntry } from './broker.ts';
import { type BrokerContext, call } from './context.ts';

/**
 * Writes a server's entry and its running tasks (protocol 12.3), in one round trip. Three scripts, since the two lists
 * and the entry are in different Cluster slots; the lists come first, as in asynq.
 */
export async function announce(context: BrokerContext, entry: PresenceEntry): Promise<void> {
  const { address, ttlSeconds, info, workers } = entry;
  const keys = [serverKey(address), workersKey(address)];
  const tasks = workers.flatMap((worker) => [worker.taskId, worker.info]);
  await Promise.all([
    enterList(context, SERVERS, serverKey(address), ttlSeconds),
    enterList(context, WORKERS, workersKey(address), ttlSeconds),
    call(context, 'announce', keys, [ttlSeconds, info, ...tasks]),
  ]);
}

/** Enters a key in one of the lists of the fleet, until so many seconds from now. */
export async function enterList(
  context: BrokerContext,
  list: string,
  key: string,
  ttlSeconds: number,
): Promise<void> {
  await call(context, 'list-presence', [list], [context.offsetSeconds, ttlSeconds, key]);
}

/** Removes a server's entry (protocol 12.4). */
export async function withdraw({ connection }: BrokerContext, address: string): Promise<void> {
  const [server, workers] = [serverKey(address), workersKey(address)];
  await Promise.all([
    connection.run((redis) => redis.zrem(SERVERS, server), { key: SERVERS }),
    connection.run((redis) => redis.zrem(WORKERS, workers), { key: WORKERS }),
    connection.run((redis) => redis.del(server, workers), { key: server }), // one command, hence atomic
  ]);
}
