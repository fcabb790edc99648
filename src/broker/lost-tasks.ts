/** Finds tasks that nobody holds any more: the caller of `expired-leases.lua`, `unleased.lua` and `local-servers.lua`. */
import { type QueueKeys, queueKeys, serverAddress, serverKey, SERVERS } from '../wire/keys.ts';
import type { LostTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { fetchLeftOut } from './fetch-value.ts';
import { readCount } from './lease.ts';
import { optional, toList, toRows, toText } from './reply.ts';
import { RECOVERY_GRACE_SECONDS, RECOVERY_MARGIN_SECONDS } from './settle.ts';

/** Tasks of a queue whose lease is over, oldest first, at most 100, and about 4 MiB of messages. */
export async function expiredLeases(context: BrokerContext, queue: string): Promise<LostTask[]> {
  const keys = queueKeys(queue);
  const margins = [RECOVERY_MARGIN_SECONDS, RECOVERY_GRACE_SECONDS];
  const args = [context.offsetSeconds, keys.taskPrefix, ...margins];
  const reply = await call(context, 'expired-leases', [keys.lease, keys.active], args);
  return readLostTasks(context, keys, reply);
}

/** Active tasks of a queue that have no lease, at most 100. */
export async function unleased(context: BrokerContext, queue: string): Promise<LostTask[]> {
  const keys = queueKeys(queue);
  const reply = await call(context, 'unleased', [keys.active, keys.lease], [keys.taskPrefix]);
  return readLostTasks(context, keys, reply);
}

/** Addresses of the servers of a host that are listed, also of some that are gone. */
export async function localServers(context: BrokerContext, host: string): Promise<string[]> {
  const beginning = serverKey(`${host}:`).slice(0, -1); // without the closing brace
  const keys = toList(await call(context, 'local-servers', [SERVERS], [beginning]));
  return keys.map((key) => serverAddress(toText(key)));
}

async function readLostTasks(
  { connection }: BrokerContext,
  keys: QueueKeys,
  reply: unknown,
): Promise<LostTask[]> {
  return await Promise.all(
    toRows(toList(reply), 5).map(async ([name, token, begun, returns, message]) => {
      const id = toText(name);
      return {
        id,
        token: optional(token, toText),
        hasBegun: optional(begun, toText) === '1',
        returns: readCount(returns),
        message: await fetchLeftOut(connection, keys.task(id), 'msg', message),
      };
    }),
  );
}
