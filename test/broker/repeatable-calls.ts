/** Every call of the broker that changes something for tasks or servers that are there, each on a state of its own. */
import type { Broker, Settlement } from '../../src/broker/broker.ts';
import { encodeTaskMessage, emptyTaskMessage } from '../../src/wire/task-message.ts';
import type { QueueState } from '../helpers/queue-state.ts';
import { REPEATABLE_GROUP_CALLS } from './repeatable-group-calls.ts';
import { everyKind } from './owner-tasks.ts';
import { extendOurs, held, message, OWNER, QUEUE, RUN, settleOurs } from './tasks.ts';

/** One call; `now` is Redis's clock in seconds. */
export interface RepeatableCall {
  readonly name: string;
  seed(now: number): Partial<QueueState>;
  run(broker: Broker, now: number): Promise<unknown>;
  /** What it answers, as JSON, the first time, and when it is repeated after it was carried out. */
  readonly first: string;
  readonly again: string;
  /** It asks something before it changes anything. */
  readonly asksFirst?: boolean;
}

const ADDRESS = 'host:1:3a1f5f0e-0000-4000-8000-000000000001';
const PRESENCE = {
  address: ADDRESS,
  info: Buffer.from('server'),
  workers: [{ taskId: 'A', info: Buffer.from('worker') }],
  ttlSeconds: 3_600,
};

/** Each with how long its lease still lasts. */
const holding = (seconds: number) => (now: number) => held(['A', 'B'], { leaseAt: now + seconds });

/** What a server may leave that died between its commands. */
const unleased = (): Partial<QueueState> => ({
  active: ['A'],
  tasks: { A: { msg: message('A'), state: 'active' } },
});

function settling(
  name: string,
  seed: RepeatableCall['seed'],
  run: (broker: Broker, settlement: Settlement, now: number) => Promise<unknown>,
): RepeatableCall[] {
  return everyKind.map((settlement) => ({
    name: `${name} (${settlement.kind})`,
    seed,
    run: (broker, now) => run(broker, settlement, now),
    first: '["settled"]',
    // The caller knows that it has asked before: for the settler "not mine any more" means done then.
    again: '["lost"]',
  }));
}

/** What operators do to a task in the retry set, and to one in the pending list beside it. */
const OPERATED: readonly RepeatableCall[] = (['run', 'archive', 'delete'] as const).flatMap(
  (action): RepeatableCall[] => [
    {
      name: `changeTasks (${action})`,
      seed: waiting,
      run: async (broker) => {
        const replies = await broker.changeTasks(QUEUE, action, ['B']);
        return replies.map(({ status }) => status);
      },
      first: '["changed"]',
      again: action === 'delete' ? '["missing"]' : '["refused"]',
    },
    {
      name: `sweep (${action})`,
      seed: waiting,
      run: async (broker, now) => {
        const state = action === 'run' ? 'retry' : 'pending';
        const entry = { id: action === 'run' ? 'B' : 'A', isChosen: true };
        const score = action === 'run' ? now + 9 : undefined;
        const listed = { at: 0, entries: [{ ...entry, score }] };
        const step = { place: { queue: QUEUE, state }, action, count: 9, listed } as const;
        return (await broker.sweep(step)).changed;
      },
      first: '1',
      again: '0',
    },
  ],
);

export const REPEATABLE_CALLS: readonly RepeatableCall[] = [
  ...OPERATED,
  ...settling('settle', holding(30), (broker, settlement) => settleOurs(broker, [settlement])),
  ...settling('settleExpired', holding(-40), (broker, settlement, now) => {
    const token = `${OWNER} ${RUN} ${now - 40}`;
    return broker.settleExpired(QUEUE, [{ token, settlement }]);
  }),
  ...settling('settleUnleased', unleased, (broker, settlement) =>
    broker.settleUnleased(QUEUE, [{ token: undefined, settlement }]),
  ),
  {
    name: 'extend',
    seed: holding(3),
    run: (broker) => extendOurs(broker, ['A', 'B']),
    first: '{"gone":[],"canceled":[]}',
    again: '{"gone":[],"canceled":[]}',
  },
  {
    name: 'adopt',
    seed: holding(3),
    run: async (broker) => {
      const [from, to] = [
        { server: OWNER, run: RUN },
        { server: 'heir', run: RUN },
      ] as const;
      const adoption = { queue: QUEUE, taskId: 'A', from, to, leaseMs: 30_000 };
      return (await broker.adopt(adoption))?.id;
    },
    first: '"A"',
    again: '"A"',
  },
  {
    name: 'markCanceled',
    seed: holding(30),
    run: (broker) => broker.markCanceled('A'),
    asksFirst: true,
    first: '1',
    again: '1',
  },
  {
    name: 'expiredLeases',
    seed: (now) => ({ ...holding(-40)(now), active: ['B'] }), // A is repaired
    run: async (broker) => (await broker.expiredLeases(QUEUE)).map(({ id }) => id),
    first: '["A","B"]',
    again: '["A","B"]',
  },
  {
    name: 'forward',
    seed: (now) => ({
      scheduled: { A: now - 2 },
      retry: { B: now - 1 },
      tasks: {
        A: { msg: message('A'), state: 'scheduled' },
        B: { msg: inGroup('B'), state: 'retry', group: 'g' },
      },
    }),
    run: (broker) => broker.forward(QUEUE),
    first: '2',
    again: '0',
  },
  {
    name: 'expireCompleted',
    seed: (now) => ({
      completed: { A: now - 1 },
      tasks: { A: { msg: message('A'), state: 'completed' } },
    }),
    run: (broker) => broker.expireCompleted(QUEUE),
    first: '1',
    again: '0',
  },
  {
    name: 'pause',
    seed: waiting,
    run: (broker) => broker.pause(QUEUE),
    first: 'true',
    again: 'false',
  },
  {
    name: 'resume',
    seed: (now) => ({ ...waiting(now), paused: '1' }),
    run: (broker) => broker.resume(QUEUE),
    first: 'true',
    again: 'false',
  },
  {
    name: 'removeQueue (pause)',
    seed: waiting,
    run: async (broker) => (await broker.removeQueue(QUEUE, { act: 'pause' })).isDone,
    first: 'true',
    again: 'false',
  },
  {
    name: 'removeQueue (remove)',
    seed: waiting,
    run: async (broker) => {
      const step = { act: 'remove', count: 9, onlyCompleted: false } as const;
      return (await broker.removeQueue(QUEUE, step)).isDone;
    },
    first: 'true',
    again: 'true',
  },
  {
    name: 'announce',
    seed: () => ({}),
    run: (broker) => broker.announce(PRESENCE),
    first: 'undefined',
    again: 'undefined',
  },
  {
    name: 'withdraw',
    seed: holding(30),
    run: (broker) => broker.withdraw(ADDRESS),
    first: 'undefined',
    again: 'undefined',
  },
  ...REPEATABLE_GROUP_CALLS,
];

function waiting(now: number): Partial<QueueState> {
  return {
    pending: ['A'],
    retry: { B: now + 9 },
    tasks: {
      A: { msg: message('A'), state: 'pending' },
      B: { msg: message('B'), state: 'retry' },
    },
  };
}

function inGroup(id: string): Buffer {
  const whole = { ...emptyTaskMessage(), type: 't', id, queue: QUEUE, groupKey: 'g' };
  return Buffer.from(encodeTaskMessage(whole));
}
