/** One task in each state, and what becomes of it. */
import type { TaskAction } from '../../src/broker/broker.ts';
import type { TaskState } from '../../src/task.ts';
import { message, QUEUE } from '../broker/tasks.ts';
import type { QueueState, TaskFields } from '../helpers/queue-state.ts';
import { queueKeys } from '../../src/wire/keys.ts';

/** The lock of a unique task, by its ID. */
export const lockOf = (id: string): string => `${queueKeys(QUEUE).prefix}unique:t:${id}`;

/** The hash of a task in a state. It holds a lock; in a group only its message says so, as in Go. */
export function fieldsIn(state: TaskState, id: string): TaskFields {
  const inGroup = state === 'aggregating';
  return {
    msg: message(id, {
      uniqueKey: lockOf(id),
      payload: Buffer.from('{"a":1}'),
      groupKey: inGroup ? 'g' : '',
    }),
    state,
    ...(inGroup ? { group: 'g' } : { unique_key: lockOf(id) }),
    ...(state === 'pending' ? { pending_since: '1700000000000000000' } : {}),
  };
}

/** Where a task in a state is kept, beside its hash. */
export function placeOf(state: TaskState, id: string, score: number): Partial<QueueState> {
  switch (state) {
    case 'pending':
      return { pending: [id] };
    case 'active':
      return { active: [id], lease: { [id]: score } };
    case 'aggregating':
      return { groups: ['g'], group: { g: { [id]: score } } };
    default:
      return { [state]: { [id]: score } };
  }
}

/** A queue that holds one task, with its lock. */
export function one(state: TaskState, id: string, score: number): Partial<QueueState> {
  return {
    ...placeOf(state, id, score),
    tasks: { [id]: fieldsIn(state, id) },
    locks: { [lockOf(id)]: id },
  };
}

/** What is left of it after an action that is allowed, without `pending_since`. */
export function after(
  action: TaskAction,
  state: TaskState,
  id: string,
  now: number,
): Partial<QueueState> {
  if (action === 'delete') return {};
  const { pending_since: _since, ...fields } = fieldsIn(state, id);
  const next = action === 'run' ? 'pending' : 'archived';
  return {
    ...placeOf(next, id, now),
    tasks: { [id]: { ...fields, state: next } },
    locks: { [lockOf(id)]: id },
  };
}

export const STATES: readonly TaskState[] = [
  'active',
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
  'aggregating',
];
