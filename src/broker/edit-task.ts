/** Changes tasks that wait: the callers of `reschedule.lua` and `replace-message.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type {
  ReplaceMessageCall,
  ReplaceMessageReply,
  RescheduleCall,
  RescheduleReply,
} from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { optional, toBytes, toList, toNumber, toText } from './reply.ts';

/** Gives a task that waits another time. Repeating it does no harm. */
export async function reschedule(
  context: BrokerContext,
  { queue, taskId, when }: RescheduleCall,
): Promise<RescheduleReply> {
  const keys = queueKeys(queue);
  const [mode, milliseconds] =
    when === undefined ? ['now', 0] : 'at' in when ? ['at', when.at] : ['in', when.in];
  const reply = await call(
    context,
    'reschedule',
    [keys.task(taskId), keys.pending, keys.scheduled, keys.retry, keys.archived],
    [context.offsetSeconds, taskId, mode, milliseconds],
  );
  const [status, state, due, message] = toList(reply);
  if (toText(status) === 'gone') return { status: 'gone' };
  if (toText(status) !== 'done') return { status: 'state', state: toText(state) };
  const stored = { message: toBytes(message), state: toText(state) };
  return { status: 'done', task: { ...stored, ...dueAt(due) } };
}

/** Replaces the message of a task that waits, unless somebody else has done so since it was read. */
export async function replaceMessage(
  context: BrokerContext,
  { queue, taskId, old, message, lock }: ReplaceMessageCall,
): Promise<ReplaceMessageReply> {
  const keys = queueKeys(queue);
  const reply = await call(
    context,
    'replace-message',
    [keys.task(taskId), keys.scheduled, keys.retry],
    [taskId, old, message, keys.group(''), lock?.from ?? '', lock?.to ?? ''],
  );
  const [status, fact, due] = toList(reply);
  switch (toText(status)) {
    case 'done':
      return { status: 'done', task: { message, state: toText(fact), ...dueAt(due) } };
    case 'state':
      return { status: 'state', state: toText(fact) };
    case 'duplicate':
      return { status: 'duplicate', holder: toText(fact) };
    case 'changed':
      return { status: 'changed' };
    default:
      return { status: 'gone' };
  }
}

function dueAt(reply: unknown): { readonly dueAt?: number } {
  const seconds = optional(reply, toNumber);
  return seconds === undefined ? {} : { dueAt: seconds * 1000 };
}
