/** As `repeatable-calls`: the calls that end aggregations, or give their tasks back. */
import type { StagedSet } from '../../src/broker/broker.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import type { RepeatableCall } from './repeatable-calls.ts';
import { message, QUEUE } from './tasks.ts';

const SET: StagedSet = { queue: QUEUE, group: 'g', id: 'set' };

/** Two staged tasks, in a set that goes stale then. */
function staged(staleAt: number): Partial<QueueState> {
  return {
    group: { 'g:set': { A: 1, B: 2 } },
    aggregationSets: { 'g:set': staleAt },
    tasks: {
      A: { msg: message('A'), state: 'aggregating', group: 'g' },
      B: { msg: message('B'), state: 'aggregating', group: 'g' },
    },
  };
}

/** The same two, aggregated. */
function closed(at: number): Partial<QueueState> {
  const { tasks = {} } = staged(at);
  return { closed: { set: { A: 1, B: 2 } }, closedSets: { set: at }, tasks };
}

export const REPEATABLE_GROUP_CALLS: readonly RepeatableCall[] = [
  {
    name: 'extendGroups',
    seed: (now) => staged(now + 5),
    run: (broker) => broker.extendGroups(QUEUE, [SET], 120),
    first: '[]',
    again: '[]',
  },
  {
    name: 'closeGroup',
    seed: (now) => staged(now + 60),
    run: (broker) =>
      broker.closeGroup({ set: SET, size: 2, entry: { taskId: 'R', message: message('R') } }),
    asksFirst: true, // it registers the queue
    first: '{"status":"closed"}',
    again: '{"status":"closed"}',
  },
  {
    name: 'sweepGroup',
    seed: closed,
    run: (broker) => broker.sweepGroup(SET, []),
    first: '0',
    again: '0',
  },
  {
    name: 'sweepLeftovers',
    seed: (now) => closed(now - 150),
    run: (broker) => broker.sweepLeftovers(QUEUE),
    first: 'true',
    again: 'false',
  },
  {
    name: 'unstageGroup',
    seed: (now) => staged(now + 60),
    run: (broker) => broker.unstageGroup(SET),
    first: '{"left":0,"dropped":[]}',
    again: '{"left":0,"dropped":[]}',
  },
  {
    name: 'reclaimGroups',
    seed: (now) => staged(now - 1),
    run: (broker) => broker.reclaimGroups(QUEUE),
    first: '{"group":"g","count":2,"dropped":[]}',
    again: 'undefined',
  },
  {
    name: 'rescueGroups',
    seed: () => ({ group: { g: { A: 1 } } }),
    run: (broker) => broker.rescueGroups(QUEUE, ['g']),
    first: '1',
    again: '0',
  },
  {
    name: 'setAside',
    seed: (now) => staged(now + 60),
    run: (broker) => {
      const text = { head: message('A'), tail: Buffer.alloc(0), field: 'none' } as const;
      return broker.setAside(SET, [{ id: 'A', message: text }]);
    },
    first: '1',
    again: '0',
  },
];
