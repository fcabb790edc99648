/** What an owner that has died held, and how another goes on with it: the caller of `held-tasks.lua` and `adopt.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { Adoption, HeldTask, LeasedTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { readDeaths } from './lease.ts';
import { optional, toBytes, toList, toText } from './reply.ts';

/** The active tasks of a queue that are leased for this owner, the last leased first. */
export async function heldTasks(
  context: BrokerContext,
  queue: string,
  owner: string,
): Promise<HeldTask[]> {
  const keys = queueKeys(queue);
  const args = [keys.taskPrefix, owner];
  const reply = toList(await call(context, 'held-tasks', [keys.active, keys.lease], args));
  const held: HeldTask[] = [];
  for (let i = 0; i < reply.length; i += 4) {
    held.push({ id: toText(reply[i]), ...readTask(reply.slice(i + 1, i + 4)) });
  }
  return held;
}

/** Hands a lease on to another owner and extends it; `undefined` when the task is not leased for `from`. */
export async function adopt(
  context: BrokerContext,
  { queue, taskId, from, to, leaseMs }: Adoption,
): Promise<LeasedTask | undefined> {
  const keys = queueKeys(queue);
  const args = [context.offsetSeconds, keys.taskPrefix, taskId, from, to, leaseMs];
  const reply = optional(await call(context, 'adopt', [keys.active, keys.lease], args), toList);
  // Its first owner has told how long it waited.
  return reply === undefined ? undefined : { id: taskId, waitedMs: undefined, ...readTask(reply) };
}

function readTask([message, crashes, suspect]: readonly unknown[]): Omit<HeldTask, 'id'> {
  return { message: optional(message, toBytes), ...readDeaths(crashes, suspect) };
}
