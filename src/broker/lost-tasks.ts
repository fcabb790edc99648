/** Finds tasks that nobody holds any more: the caller of `expired-leases.lua`, `unleased.lua` and `local-servers.lua`. */
import { queueKeys, serverAddress, serverKey, SERVERS } from '../wire/keys.ts';
import type { LostTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { readCount } from './lease.ts';
import { optional, toBytes, toList, toText } from './reply.ts';
import { RECOVERY_GRACE_SECONDS, RECOVERY_MARGIN_SECONDS } from './settle.ts';

/** Tasks of a queue whose lease is over, oldest first, at most 100. */
export async function expiredLeases(context: BrokerContext, queue: string): Promise<LostTask[]> {
  const keys = queueKeys(queue);
  const margins = [RECOVERY_MARGIN_SECONDS, RECOVERY_GRACE_SECONDS];
  const args = [context.offsetSeconds, keys.taskPrefix, ...margins];
  return readLostTasks(await call(context, 'expired-leases', [keys.lease, keys.active], args));
}

/** Active tasks of a queue that have no lease, at most 100. */
export async function unleased(context: BrokerContext, queue: string): Promise<LostTask[]> {
  const { active, lease, taskPrefix } = queueKeys(queue);
  return readLostTasks(await call(context, 'unleased', [active, lease], [taskPrefix]));
}

/** Addresses of the servers of a host that are listed, also of some that are gone. */
export async function localServers(context: BrokerContext, host: string): Promise<string[]> {
  const beginning = serverKey(`${host}:`).slice(0, -1); // without the closing brace
  const keys = toList(await call(context, 'local-servers', [SERVERS], [beginning]));
  return keys.map((key) => serverAddress(toText(key)));
}

function readLostTasks(reply: unknown): LostTask[] {
  const fields = toList(reply);
  const lost: LostTask[] = [];
  for (let i = 0; i < fields.length; i += 5) {
    lost.push({
      id: toText(fields[i]),
      token: optional(fields[i + 1], toText),
      hasBegun: optional(fields[i + 2], toText) === '1',
      returns: readCount(fields[i + 3]),
      message: optional(fields[i + 4], toBytes),
    });
  }
  return lost;
}
