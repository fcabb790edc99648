/** Reads single tasks: the caller of `get-task.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { StoredTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { fetchLeftOut } from './fetch-value.ts';
import { optional, toList, toNumber, toText } from './reply.ts';

/** One task as it is stored, or `undefined`. A hash without message or state reads as an empty one. */
export async function getTask(
  context: BrokerContext,
  queue: string,
  taskId: string,
): Promise<StoredTask | undefined> {
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'get-task',
    [keys.task(taskId), keys.scheduled, keys.retry],
    [taskId],
  );
  if (reply === null || reply === undefined) return undefined;
  const [message, result, ...fields] = toList(reply);
  const fetch = (field: string, value: unknown): Promise<Uint8Array | undefined> =>
    fetchLeftOut(context.connection, keys.task(taskId), field, value);
  const values = await Promise.all([fetch('msg', message), fetch('result', result)]);
  // Gone since: what there is now is another state of it, or none.
  const isGone = [message, result].some((value, at) => value === 1 && values[at] === undefined);
  return isGone ? getTask(context, queue, taskId) : readTask(values, fields);
}

function readTask(
  [message, result]: readonly (Uint8Array | undefined)[],
  [state, dueSeconds, groupName, lock, ...records]: readonly unknown[],
): StoredTask {
  const due = optional(dueSeconds, toNumber);
  const group = optional(groupName, toText) ?? '';
  const uniqueKey = optional(lock, toText) ?? '';
  return {
    message: message ?? new Uint8Array(),
    state: optional(state, toText) ?? '',
    ...(result === undefined ? {} : { result }),
    ...(due === undefined ? {} : { dueAt: due * 1000 }),
    ...(group === '' ? {} : { group }),
    ...(uniqueKey === '' ? {} : { uniqueKey }),
    ...readRecords(records),
  };
}

function readRecords(reply: readonly unknown[]): Pick<StoredTask, 'records'> {
  const [attempts, progress, log, runMs] = reply.map((field) => optional(field, toText));
  const records = {
    ...(attempts === undefined ? {} : { attempts }),
    ...(progress === undefined ? {} : { progress }),
    ...(log === undefined ? {} : { log }),
    ...(runMs === undefined ? {} : { runMs }),
  };
  return Object.keys(records).length === 0 ? {} : { records };
}
