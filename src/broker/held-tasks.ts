/** What an owner that has died held, and how another goes on with it: the caller of `held-tasks.lua` and `adopt.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { Adoption, HeldTask, LeasedTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { readCount, readDeaths } from './lease.ts';
import { optional, toBytes, toList, toNumber, toText } from './reply.ts';

/** The active tasks of a queue that this server holds, the last leased first. */
export async function heldTasks(
  context: BrokerContext,
  queue: string,
  serverId: string,
): Promise<HeldTask[]> {
  const keys = queueKeys(queue);
  const args = [keys.taskPrefix, serverId];
  const reply = toList(await call(context, 'held-tasks', [keys.active, keys.lease], args));
  const held: HeldTask[] = [];
  for (let i = 0; i < reply.length; i += 8) {
    held.push({
      id: toText(reply[i]),
      server: toText(reply[i + 1]),
      run: toNumber(reply[i + 2]),
      hasBegun: optional(reply[i + 3], toText) === '1',
      returns: readCount(reply[i + 4]),
      ...readTask(reply.slice(i + 5, i + 8)),
    });
  }
  return held;
}

/** Hands a lease on to another server; `undefined` when the task is leased for neither of them. */
export async function adopt(
  context: BrokerContext,
  { queue, taskId, from, to, leaseMs }: Adoption,
): Promise<LeasedTask | undefined> {
  const keys = queueKeys(queue);
  const holders = [from, to].map(({ server, run }) => `${server} ${run}`);
  const args = [context.offsetSeconds, keys.taskPrefix, taskId, ...holders, leaseMs];
  const reply = optional(await call(context, 'adopt', [keys.active, keys.lease], args), toList);
  if (reply === undefined) return undefined;
  // Its first owner has told how long it waited.
  return { id: taskId, run: to.run, waitedMs: undefined, ...readTask(reply) };
}

function readTask([message, crashes, suspect]: readonly unknown[]): Pick<
  HeldTask,
  'message' | 'crashes' | 'isSuspect'
> {
  return { message: optional(message, toBytes), ...readDeaths(crashes, suspect) };
}
