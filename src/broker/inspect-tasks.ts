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
  const [message, state, storedResult, dueSeconds] = toList(reply);
  const result = optional(storedResult, toBytes);
  const due = optional(dueSeconds, toNumber);
  return {
    message: optional(message, toBytes) ?? new Uint8Array(),
    state: optional(state, toText) ?? '',
    ...(result === undefined ? {} : { result }),
    ...(due === undefined ? {} : { dueAt: due * 1000 }),
  };
}
