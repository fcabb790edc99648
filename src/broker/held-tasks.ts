/** What an owner that has died held, and how another goes on with it: the caller of `held-tasks.lua` and `adopt.lua`. */
import { ReplyLostError } from '../errors.ts';
import { queueKeys } from '../wire/keys.ts';
import type { Adoption, HeldRun, HeldTask, LeasedTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { fetchLeftOut } from './fetch-value.ts';
import { readCount, readDeaths } from './lease.ts';
import { optional, toList, toNumber, toRows, toText } from './reply.ts';

/** The active tasks of a queue that this server holds, the last leased first. */
export async function heldTasks(
  context: BrokerContext,
  queue: string,
  serverId: string,
): Promise<HeldTask[]> {
  const rows = await listHeld(context, queue, serverId, true);
  return await Promise.all(
    rows.map(async (row) => {
      const [, , , begun, returns, ...rest] = row;
      const held = readRun(row);
      return {
        ...held,
        hasBegun: optional(begun, toText) === '1',
        returns: readCount(returns),
        ...(await readTask(context, queueKeys(queue).task(held.id), rest)),
      };
    }),
  );
}

/** As `heldTasks`, without what they are. */
export async function heldRuns(
  context: BrokerContext,
  queue: string,
  serverId: string,
): Promise<HeldRun[]> {
  return (await listHeld(context, queue, serverId, false)).map(readRun);
}

async function listHeld(
  context: BrokerContext,
  queue: string,
  serverId: string,
  withMessages: boolean,
): Promise<(readonly unknown[])[]> {
  const { active, lease, taskPrefix } = queueKeys(queue);
  const args = [taskPrefix, serverId, withMessages ? 1 : 0];
  return toRows(toList(await call(context, 'held-tasks', [active, lease], args)), 8);
}

function readRun([id, server, run]: readonly unknown[]): HeldRun {
  return { id: toText(id), server: toText(server), run: toNumber(run) };
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
  try {
    const task = await readTask(context, keys.task(taskId), reply);
    return { id: taskId, run: to.run, waitedMs: undefined, ...task };
  } catch (error) {
    // It is leased for the other one: it must not look as if nothing was carried out.
    throw new ReplyLostError(context.connection.address, { cause: error });
  }
}

async function readTask(
  { connection }: BrokerContext,
  task: string,
  [crashes, suspect, message]: readonly unknown[],
): Promise<Pick<HeldTask, 'message' | 'crashes' | 'isSuspect'>> {
  return {
    message: await fetchLeftOut(connection, task, 'msg', message),
    ...readDeaths(crashes, suspect),
  };
}
