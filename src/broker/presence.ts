/** Shows this server to the fleet's tools: the caller of `announce.lua` and `list-presence.lua`. */
import { SERVERS, serverKey, WORKERS, workersKey } from '../wire/keys.ts';
import type { PresenceEntry } from './broker.ts';
import type { BrokerContext } from './context.ts';
import { runScript } from './script.ts';

/**
 * Writes a server's entry and its running tasks (protocol 12.3), in one round trip. Three scripts, since the two lists
 * and the entry are in different Cluster slots; the lists come first, as in asynq.
 */
export async function announce(context: BrokerContext, entry: PresenceEntry): Promise<void> {
  const { address, ttlSeconds, info, workers } = entry;
  const keys = [serverKey(address), workersKey(address)];
  const tasks = workers.flatMap((worker) => [worker.taskId, worker.info]);
  const list = [context.offsetSeconds, ttlSeconds];
  await context.connection.run((redis) =>
    Promise.all([
      runScript(redis, 'list-presence', [SERVERS], [...list, serverKey(address)]),
      runScript(redis, 'list-presence', [WORKERS], [...list, workersKey(address)]),
      runScript(redis, 'announce', keys, [ttlSeconds, info, ...tasks]),
    ]),
  );
}

/** Removes a server's entry (protocol 12.4). */
export async function withdraw(context: BrokerContext, address: string): Promise<void> {
  await context.connection.run((redis) =>
    Promise.all([
      redis.zrem(SERVERS, serverKey(address)),
      redis.zrem(WORKERS, workersKey(address)),
      redis.del(serverKey(address), workersKey(address)), // one command, hence atomic
    ]),
  );
}
