import assert from 'node:assert/strict';
import type { LeasedTask } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisReplyError, ReplyLostError } from '../../src/errors.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  BEGUN_FIELD,
  CANCEL_FIELD,
  CRASHES_FIELD,
  LOG_FIELD,
  PROGRESS_FIELD,
  RETURNS_FIELD,
  RUN_MS_FIELD,
  STARTED_FIELD,
  SUSPECT_FIELD,
} from '../../src/wire/task-fields.ts';
import { queueState, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { stateOf } from './batches.ts';
import { bytesOf } from './owner-tasks.ts';
import { active, leasedBy, leaseOurs, message, OWNER, QUEUE, RUN, useBroker } from './tasks.ts';

const { redis, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

function waiting(id: string, fields: TaskFields = {}): TaskFields {
  return { msg: message(id), state: 'pending', pending_since: '1700000000000000000', ...fields };
}

const DEAD = leasedBy('dead', 1000);
const ATTEMPT: TaskFields = {
  [CANCEL_FIELD]: '1',
  [STARTED_FIELD]: '1 2 x',
  [PROGRESS_FIELD]: '1',
  [LOG_FIELD]: '[]',
  [RUN_MS_FIELD]: '7',
};

/** Tasks by ID, each odd in its own way. */
const odd: Readonly<Record<string, TaskFields>> = {
  plain: waiting('plain'),
  'ü 日本 "😀"\n\u0000': waiting('ü'),
  unique: waiting('unique', { unique_key: 'asynq:{q}:unique:t:x', foreign: 'kept' }),
  'no since': { msg: message('no since'), state: 'pending' },
  'odd since': waiting('odd since', { pending_since: '1.7e+18' }),
  'no message': { state: 'pending' },
  'empty message': waiting('empty message', { msg: '' }),
  twice: waiting('twice'),
  unseen: waiting('unseen', { ...DEAD, [BEGUN_FIELD]: '1' }),
  'unseen suspect': waiting('unseen suspect', {
    ...DEAD,
    [BEGUN_FIELD]: '1',
    [SUSPECT_FIELD]: '1',
    [CRASHES_FIELD]: 'many',
  }),
  'begun by nobody': waiting('begun by nobody', { [BEGUN_FIELD]: '1', [CRASHES_FIELD]: '2' }),
  'with a past': waiting('with a past', { ...ATTEMPT, [RETURNS_FIELD]: '1', result: 'earlier' }),
  large: waiting('large', { msg: message('large', { payload: Buffer.alloc(100_000, 1) }) }),
  last: waiting('last'),
};

async function seedOdd(now: number): Promise<void> {
  const running = active(['running'], now + 30);
  await seed({
    ...running,
    active: ['gone', 'running', 'gone'],
    tasks: { ...running.tasks, ...odd },
  });
  const bad = Buffer.from([0x61, 0xff]);
  await client.hset(Buffer.concat([Buffer.from(keys.taskPrefix), bad]), 'msg', 'm');
  await client.rpush(keys.task('list'), 'of another type');
  const ids = Object.keys(odd);
  await client.lpush(keys.pending, 'gone', ...ids.slice(0, 7), 'twice', bad, 'list', 'gone');
  await client.lpush(keys.pending, ...ids.slice(7));
}

/** Leases one by one until there is nothing left. */
async function leaseSingly(): Promise<{ tasks: LeasedTask[]; dropped: string[] }> {
  const tasks: LeasedTask[] = [];
  const dropped: string[] = [];
  for (;;) {
    const firstRun = RUN + tasks.length;
    const call = { queue: QUEUE, max: 1, leaseMs: 30_000, server: OWNER, firstRun };
    const reply = await broker.lease(call);
    tasks.push(...reply.tasks);
    dropped.push(...reply.dropped);
    if (!reply.more) return { tasks, dropped };
  }
}

/** Without what a clock makes different. */
function alike(tasks: readonly LeasedTask[]): object[] {
  return tasks.map(({ waitedMs, message: bytes, ...task }) => {
    return { ...task, hasWaited: waitedMs !== undefined, message: bytes && Buffer.from(bytes) };
  });
}

test('a batch with every oddity in it leaves and answers what single calls do', async () => {
  const first = await earlyInSecond(client);
  await seedOdd(first);
  const singly = await leaseSingly();
  const wanted = await stateOf(client, first);

  const second = await earlyInSecond(client);
  await seedOdd(second);
  const { tasks, dropped, more } = await leaseOurs(broker, 100);
  assert.deepEqual(alike(tasks), alike(singly.tasks));
  assert.deepEqual([dropped, more], [singly.dropped, false]);
  assert.deepEqual(await stateOf(client, second), wanted);
  assert.equal(tasks.length, Object.keys(odd).length + 1);
  assert.equal(dropped.length, 4);
});

test('IDs go from queue to active in their order, and what is too much for a call back to its place', async () => {
  await seed({});
  const ids = Array.from({ length: 40 }, (_, i) => `task-${i}`);
  const bytes = (i: number): Buffer => Buffer.alloc(i % 7 === 3 ? 300_000 : 20_000, i);
  const entries = ids.map((taskId, i) => ({ taskId, message: bytes(i) }));
  await broker.enqueue(QUEUE, entries);
  const leased: string[] = [];
  while (leased.length < ids.length) {
    const { tasks, more } = await leaseOurs(broker, 15);
    leased.push(...tasks.map(({ id }) => id));
    const { pending, active: running } = await queueState(client, QUEUE);
    assert.deepEqual([...pending, ...running], [...ids].reverse());
    assert.deepEqual(running, [...leased].reverse());
    assert.equal(more, pending.length > 0);
  }
});

for (const key of [keys.pending, keys.active, keys.lease]) {
  test(`a lease from a queue whose ${key} is of another type takes nothing`, async () => {
    const tasks = { A: waiting('A'), B: waiting('B'), C: waiting('C') };
    await seed({ pending: ['C', 'B', 'A'], tasks });
    await client.del(key);
    await client.set(key, 'of another type');
    const before = await bytesOf(client);
    await assert.rejects(leaseOurs(broker, 10), /WRONGTYPE/);
    assert.deepEqual(await bytesOf(client), before);
  });
}

test('a lease that may not take several tasks at once takes none', async () => {
  await seed({ pending: ['C', 'B', 'A'], tasks: { A: waiting('A'), B: waiting('B') } });
  await client.call('ACL', 'SETUSER', 'few', 'on', '>secret', '~*', '+@all', '-rpop');
  const url = redis.url.replace('//', '//few:secret@');
  const limited = createRedisBroker({ redis: url, connectTimeoutMs: 2_000 });
  const before = await bytesOf(client);
  try {
    await assert.rejects(leaseOurs(limited, 3), RedisReplyError);
    assert.deepEqual(await bytesOf(client), before);
  } finally {
    await limited.close();
  }
});

test('ten messages of 1 MB are leased one a call, each by an HGET of its own, and each call tells that there is more', async () => {
  await seed({});
  const ids = Array.from({ length: 10 }, (_, i) => `task-${i}`);
  for (const taskId of ids) {
    await broker.enqueue(QUEUE, [{ taskId, message: Buffer.alloc(1_000_000, taskId) }]);
  }
  await client.config('RESETSTAT');
  const leased: string[] = [];
  while (leased.length < ids.length) {
    const { tasks, more } = await leaseOurs(broker, 10);
    assert.equal(tasks.length, 1);
    for (const { id, message: bytes } of tasks) {
      leased.push(id);
      assert.deepEqual(Buffer.from(bytes ?? []), Buffer.alloc(1_000_000, id));
    }
    assert.equal(more, leased.length < ids.length);
  }
  assert.deepEqual(leased, ids);
  const stats = await client.info('commandstats');
  assert.equal(/cmdstat_hget:calls=(\d+)/.exec(stats)?.[1], '10');
});

test('a large message that cannot be fetched is told as a lost reply, so that its lease is given back', async () => {
  await seed({});
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: Buffer.alloc(200_000, 1) }]);
  await client.call('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-hget');
  const url = redis.url.replace('//', '//blind:secret@');
  const limited = createRedisBroker({ redis: url, connectTimeoutMs: 2_000 });
  try {
    await assert.rejects(leaseOurs(limited, 1), ReplyLostError);
    assert.deepEqual((await queueState(client, QUEUE)).active, ['A']);
  } finally {
    await limited.close();
  }
});
