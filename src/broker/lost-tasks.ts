/** Finds tasks that nobody holds any more: the caller of `expired-leases.lua`, `unleased.lua` and `local-servers.lua`. */
import { queueKeys, serverAddress, serverKey, SERVERS } from '../wire/keys.ts';
import type { LostRun, LostTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { fetchLeftOut, fetchOwn } from './fetch-value.ts';
import { readCount } from './lease.ts';
import { optional, toList, toRows, toText } from './reply.ts';
import { RECOVERY_GRACE_SECONDS, RECOVERY_MARGIN_SECONDS } from './settle.ts';

/** Tasks of a queue whose lease is over, oldest first, at most 100, and about 4 MiB of messages. */
export async function expiredLeases(context: BrokerContext, queue: string): Promise<LostTask[]> {
  const keys = queueKeys(queue);
  const margins = [RECOVERY_MARGIN_SECONDS, RECOVERY_GRACE_SECONDS];
  const args = [context.offsetSeconds, keys.taskPrefix, ...margins];
  const rows = toRows(
    toList(await call(context, 'expired-leases', [keys.lease, keys.active], args)),
    5,
  );
  const read = async (row: readonly unknown[]): Promise<LostTask> => {
    const run = readLostRun(row);
    const message = await fetchLeftOut(context.connection, keys.task(run.id), 'msg', row[4]);
    return { ...run, message };
  };
  return await Promise.all(rows.map(read));
}

/** Active tasks of a queue that have no lease, at most 100. Without their messages: most are only looked at. */
export async function unleased(context: BrokerContext, queue: string): Promise<LostRun[]> {
  const keys = queueKeys(queue);
  const reply = await call(context, 'unleased', [keys.active, keys.lease], [keys.taskPrefix]);
  return toRows(toList(reply), 4).map(readLostRun);
}

/** These runs with the messages of their tasks. */
export async function lostTasks(
  { connection }: BrokerContext,
  queue: string,
  runs: readonly LostRun[],
): Promise<LostTask[]> {
  const { task } = queueKeys(queue);
  const withMessage = async (run: LostRun): Promise<LostTask> => {
    return { ...run, message: await fetchOwn(connection, task(run.id), 'msg') };
  };
  return await Promise.all(runs.map(withMessage));
}

/** Addresses of the servers of a host that are listed, also of some that are gone. */
export async function localServers(context: BrokerContext, host: string): Promise<string[]> {
  const beginning = serverKey(`${host}:`).slice(0, -1); // without the closing brace
  const keys = toList(await call(context, 'local-servers', [SERVERS], [beginning]));
  return keys.map((key) => serverAddress(toText(key)));
}

function readLostRun([id, token, begun, returns]: readonly unknown[]): LostRun {
  return {
    id: toText(id),
    token: optional(token, toText),
    hasBegun: optional(begun, toText) === '1',
    returns: readCount(returns),
  };
}
