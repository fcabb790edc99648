/** The ways in which the healthy queue of the doctor's tests is damaged. */
import type { Redis } from 'ioredis';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { message } from '../broker/tasks.ts';

export const QUEUE = 'q';
const keys = queueKeys(QUEUE);
const now = Math.floor(Date.now() / 1000);

/** Damage, the check that finds it, what it names, and whether it is mended; mending leads back to the healthy state. */
export interface Damage {
  readonly name: string;
  readonly check: string;
  readonly samples: readonly string[];
  readonly fixable?: false;
  readonly queue?: null;
  damage(client: Redis): Promise<unknown>;
}

/** All of them. */
export const DAMAGES: readonly Damage[] = [
  ...(['pending', 'active'] as const).map((list) => ({
    name: `an ID without hash in ${list}`,
    check: 'ids-without-hash',
    samples: ['x'],
    damage: (client: Redis) => client.rpush(keys[list], 'x'),
  })),
  ...(['lease', 'scheduled', 'retry', 'archived', 'completed'] as const).map((set) => ({
    name: `an ID without hash in ${set}`,
    check: 'ids-without-hash',
    samples: ['x'],
    damage: (client: Redis) => client.zadd(keys[set], now + 500, 'x'),
  })),
  {
    name: 'an ID without hash in a group',
    check: 'ids-without-hash',
    samples: ['x'],
    damage: (client: Redis) => client.zadd(keys.group('mail'), now, 'x'),
  },
  {
    name: 'an ID without hash in a set that is being aggregated',
    check: 'ids-without-hash',
    samples: ['x'],
    damage: (client: Redis) => client.zadd(keys.aggregationSet('mail', 'set1'), now, 'x'),
  },
  {
    name: 'a lock whose task is gone',
    check: 'leaked-locks',
    samples: [keys.unique('lost', undefined)],
    damage: (client: Redis) => client.set(keys.unique('lost', undefined), 'gone', 'EX', 1000),
  },
  {
    name: 'a lock whose task has another lock',
    check: 'leaked-locks',
    samples: [keys.unique('d3', undefined)],
    damage: (client: Redis) => client.set(keys.unique('d3', undefined), 'u1', 'EX', 1000),
  },
  {
    name: 'a lock whose task has none',
    check: 'leaked-locks',
    samples: [keys.unique('d3', undefined)],
    damage: (client: Redis) => client.set(keys.unique('d3', undefined), 'p1', 'EX', 1000),
  },
  {
    name: 'a group name without tasks',
    check: 'empty-groups',
    samples: ['none'],
    damage: (client: Redis) => client.sadd(keys.groups, 'none'),
  },
  {
    name: 'a group that is not listed',
    check: 'unlisted-groups',
    samples: ['mail'],
    damage: (client: Redis) => client.srem(keys.groups, 'mail'),
  },
  {
    name: 'a queue that is not listed',
    check: 'unlisted-queues',
    samples: [QUEUE],
    queue: null,
    damage: (client: Redis) => client.srem(QUEUES, QUEUE),
  },
  {
    name: 'a lease of a task that is pending',
    check: 'stray-leases',
    samples: ['p1'],
    damage: (client: Redis) => client.zadd(keys.lease, now + 100, 'p1'),
  },
  {
    name: 'an active task that is in lease alone',
    check: 'stray-leases',
    samples: ['a1'],
    damage: (client: Redis) => client.lrem(keys.active, 0, 'a1'),
  },
  {
    name: 'a task in no list',
    check: 'tasks-in-no-list',
    samples: ['x'],
    fixable: false,
    damage: (client: Redis) => client.hset(keys.task('x'), { msg: message('x'), state: 'pending' }),
  },
  {
    name: 'a hash that a late result has made',
    check: 'tasks-in-no-list',
    samples: ['x'],
    fixable: false,
    damage: (client: Redis) => client.hset(keys.task('x'), 'result', '1'),
  },
  {
    name: 'an archived task that is active by its hash',
    check: 'wrong-states',
    samples: ['archived1'],
    fixable: false,
    damage: (client: Redis) => client.hset(keys.task('archived1'), 'state', 'active'),
  },
  {
    name: 'a score in milliseconds',
    check: 'wrong-scores',
    samples: ['scheduled1'],
    fixable: false,
    damage: (client: Redis) => client.zadd(keys.scheduled, now * 1000, 'scheduled1'),
  },
  {
    name: 'a score with a fraction',
    check: 'wrong-scores',
    samples: ['retry1'],
    fixable: false,
    damage: (client: Redis) => client.zadd(keys.retry, now + 800.5, 'retry1'),
  },
  {
    name: 'a lease that has been over for long',
    check: 'stuck-tasks',
    samples: ['a1'],
    fixable: false,
    damage: (client: Redis) => client.zadd(keys.lease, now - 100, 'a1'),
  },
  {
    name: 'an active task with nothing to run',
    check: 'empty-tasks',
    samples: ['a1'],
    fixable: false,
    damage: (client: Redis) => client.hdel(keys.task('a1'), 'msg'),
  },
  ...(['scheduled', 'retry'] as const).map((state) => ({
    name: `a task in ${state} that nobody has forwarded`,
    check: 'overdue-tasks',
    samples: [`${state}1`],
    fixable: false as const,
    damage: (client: Redis) => client.zadd(keys[state], now - 70, `${state}1`),
  })),
];
