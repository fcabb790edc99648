/** Reads single tasks: the caller of `get-task.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { StoredTask } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { optional, toBytes, toList, toNumber, toText } from './reply.ts';

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
  return optional(reply, readTask);
}

function readTask(reply: unknown): StoredTask {
  const [message, state, storedResult, dueSeconds, groupName, lock, ...records] = toList(reply);
  const result = optional(storedResult, toBytes);
  const due = optional(dueSeconds, toNumber);
  const group = optional(groupName, toText) ?? '';
  const uniqueKey = optional(lock, toText) ?? '';
  return {
    message: optional(message, toBytes) ?? new Uint8Array(),
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
