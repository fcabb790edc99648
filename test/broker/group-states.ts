/** States of groups, shared by the broker's tests of them. */
import type { StagedSet } from '../../src/broker/broker.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import { message, QUEUE } from './tasks.ts';

/** The set of these tests. */
export const SET: StagedSet = { queue: QUEUE, group: 'mail:u1', id: 'set-1' };
/** Its name among the group sets. */
export const STAGED = 'mail:u1:set-1';

/** A group as asynq writes it (protocol 8.5), tasks with the seconds at which they joined. */
export function waiting(
  group: string,
  joined: Readonly<Record<string, number>>,
): Partial<QueueState> {
  return {
    groups: [group],
    group: { [group]: joined },
    tasks: members(group, Object.keys(joined)),
  };
}

/** Tasks of a group, as `seed` takes them. */
export function members(group: string, ids: readonly string[]): QueueState['tasks'] {
  return Object.fromEntries(
    ids.map((id) => [id, { msg: message(id, { groupKey: group }), state: 'aggregating', group }]),
  );
}

/** So many IDs with the same score. */
export function scores(count: number, at: number): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`t${String(i).padStart(6, '0')}`, at]),
  );
}
