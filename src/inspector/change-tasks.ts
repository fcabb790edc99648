/** Runs, archives and deletes tasks: one, several, or all of a state. */
import type { Broker, ChangeReply, TaskAction } from '../broker/broker.ts';
import { TaskNotFoundError, TaskStateError } from '../errors.ts';
import { chooser } from './choose.ts';
import type { Selected } from './selection.ts';
import { Tally } from './tally.ts';
import type { BulkOptions, BulkResult } from './types.ts';
import { walk } from './walk.ts';

/** What changing needs of the broker. */
export type ChangingBroker = Pick<Broker, 'changeTasks' | 'sweep' | 'readTasks' | 'servers'>;

/** Tasks per step that are changed. */
const STEP = 100;
/** Entries per step through which a few tasks are looked for. */
const SEARCH_STEP = 500;

/** What to do instead, by what was asked and the state. */
const HINTS: Readonly<Record<TaskAction, Readonly<Record<string, string>>>> = {
  run: { active: 'it runs already', pending: 'it will run as soon as a server is free' },
  archive: { active: 'cancel it instead', archived: 'it is in the archive already' },
  delete: { active: 'cancel it first' },
};

/** Changes what was selected. A single task that cannot be changed rejects. */
export async function changeTasks(
  broker: ChangingBroker,
  action: TaskAction,
  selected: Selected,
  options: BulkOptions,
): Promise<BulkResult> {
  const { queue } = selected;
  if (selected.kind === 'place') return changePlace(broker, action, selected, options);
  if (selected.kind === 'ids') return changeIds(broker, action, queue, selected.ids, options);
  const result = await changeIds(broker, action, queue, [selected.id], options);
  for (const { error } of result.failures) throw error;
  return result;
}

async function changePlace(
  broker: ChangingBroker,
  action: TaskAction,
  { place, filter }: Extract<Selected, { kind: 'place' }>,
  options: BulkOptions,
): Promise<BulkResult> {
  const tally = new Tally(options, 0);
  const byFilter = await chooser(broker, place, filter);
  const choose = action === 'run' ? onceEach(byFilter) : byFilter;
  return tally.result(await walk({ broker, place, action, choose, tally, count: STEP }));
}

/** A task that was run may have failed and be back before the walk is through: it is not run again and again. */
function onceEach(choose: Awaited<ReturnType<typeof chooser>>): typeof choose {
  const done = new Set<string>();
  return async (entries, now) => {
    const chosen = await choose(entries, now);
    return entries.map(({ id }, index) => {
      const isChosen = chosen[index] === true && !done.has(id);
      if (isChosen) done.add(id);
      return isChosen;
    });
  };
}

async function changeIds(
  broker: ChangingBroker,
  action: TaskAction,
  queue: string,
  ids: readonly string[],
  options: BulkOptions,
): Promise<BulkResult> {
  const tally = new Tally(options, ids.length);
  const deep: string[] = [];
  for (let start = 0; start < ids.length; start += STEP) {
    if (tally.isStopped) return tally.result(true);
    const some = ids.slice(start, start + STEP);
    const replies = await broker.changeTasks(queue, action, some);
    let changed = 0;
    for (const [index, reply] of replies.entries()) {
      const id = some[index] ?? '';
      if (reply.status === 'changed') changed += 1;
      else if (reply.status === 'deep') deep.push(id);
      else tally.fail(id, failureOf(action, queue, id, reply));
    }
    const left = replies.filter(({ status }) => status === 'deep').length;
    tally.step(some.length - left, changed);
  }
  if (deep.length === 0) return tally.result();
  return tally.result(await changeDeep(broker, action, queue, deep, tally));
}

/** Looks for all of them at once through the whole of a long pending list; answers whether it was stopped. */
async function changeDeep(
  broker: ChangingBroker,
  action: TaskAction,
  queue: string,
  ids: readonly string[],
  tally: Tally,
): Promise<boolean> {
  const wanted = new Set(ids);
  const met = new Set<string>();
  let changed = 0;
  const isStopped = await walk({
    broker,
    place: { queue, state: 'pending' },
    action,
    count: SEARCH_STEP,
    choose: (entries) =>
      entries.map(({ id }) => {
        if (wanted.delete(id)) met.add(id);
        return met.has(id);
      }),
    isDone: () => wanted.size === 0,
    tally: {
      total: 0,
      get isStopped() {
        return tally.isStopped;
      },
      step: (_seen, count) => {
        changed += count;
        tally.step(count, count);
      },
    },
  });
  if (isStopped) return true;
  // Those that were not met have been taken by a server meanwhile, say; and some of those that were, between two steps.
  const rest = changed < met.size ? [...wanted, ...met] : [...wanted];
  for (const [index, reply] of (await broker.changeTasks(queue, action, rest)).entries()) {
    const id = rest[index] ?? '';
    if (reply.status === 'changed') tally.step(1, 1);
    else if (met.has(id) && isAsAsked(action, reply)) continue;
    else tally.fail(id, failureOf(action, queue, id, reply));
  }
  return false;
}

/** What a task looks like that was changed. */
function isAsAsked(action: TaskAction, reply: ChangeReply): boolean {
  if (action === 'delete') return reply.status === 'missing';
  return action === 'archive' && 'state' in reply && reply.state === 'archived';
}

function failureOf(action: TaskAction, queue: string, taskId: string, reply: ChangeReply): Error {
  if (reply.status === 'missing') return new TaskNotFoundError(taskId, queue);
  const state = 'state' in reply ? reply.state : 'pending';
  const hint = reply.status === 'refused' ? HINTS[action][state] : undefined;
  return new TaskStateError(action, { taskId, queue, state }, hint ?? awayHint(state));
}

const AWAY = 'it is just changing its state; try again';

function awayHint(state: string): string {
  return state === 'aggregating' ? 'its group is just being aggregated; try again' : AWAY;
}
