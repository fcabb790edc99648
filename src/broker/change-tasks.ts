/** Changes tasks for operators, in bounded steps: the caller of `change-tasks.lua` and `sweep.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { ChangeReply, SweepReply, SweepStep, TaskAction } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { placeKey, readEntries } from './list-tasks.ts';
import { toList, toNumber, toText } from './reply.ts';

/** Tasks per script: about a millisecond of Redis's time. */
const TASKS_PER_STEP = 100;

/** Runs, archives or deletes tasks by their IDs (protocol 14.1, 14.4, 14.6). Redis is free between the scripts. */
export async function changeTasks(
  context: BrokerContext,
  queue: string,
  action: TaskAction,
  ids: readonly string[],
): Promise<ChangeReply[]> {
  const keys = queueKeys(queue);
  const places = [keys.pending, keys.scheduled, keys.retry, keys.archived, keys.completed];
  const fixed = [context.offsetSeconds, keys.taskPrefix, keys.group(''), action];
  const replies: ChangeReply[] = [];
  while (replies.length < ids.length) {
    const some = ids.slice(replies.length, replies.length + TASKS_PER_STEP);
    const reply = await call(
      context,
      'change-tasks',
      [...places, keys.groups],
      [...fixed, ...some],
    );
    replies.push(...toList(reply).map(readChange));
  }
  return replies;
}

function readChange(reply: unknown): ChangeReply {
  if (reply === 1) return { status: 'changed' };
  const text = toText(reply);
  if (text === '') return { status: 'missing' };
  if (text === 'deep') return { status: text };
  return text.startsWith('away:')
    ? { status: 'away', state: text.slice('away:'.length) }
    : { status: 'refused', state: text };
}

/** One step of a walk: changes what the last step listed, as chosen, and lists what comes next. */
export async function sweep(context: BrokerContext, step: SweepStep): Promise<SweepReply> {
  const { place, action, count, listed, maxScore } = step;
  const keys = queueKeys(place.queue);
  const entries = listed?.entries ?? [];
  const reply = await call(
    context,
    'sweep',
    [placeKey(place), keys.pending, keys.archived, keys.groups],
    [
      context.offsetSeconds,
      keys.taskPrefix,
      place.state,
      action,
      place.group ?? '',
      maxScore ?? '',
      count,
      listed?.at ?? 0,
      entries.map(({ isChosen }) => (isChosen ? '1' : '0')).join(''),
      ...entries.flatMap(({ id, score }) => [id, score ?? '']),
    ],
  );
  const [total, now, changed, dealt, at, ...fields] = toList(reply);
  return {
    total: toNumber(total),
    now: toNumber(now),
    changed: toNumber(changed),
    dealt: toNumber(dealt),
    at: toNumber(at),
    entries: readEntries(fields),
  };
}
