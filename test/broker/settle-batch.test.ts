import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunSettlement, Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  BEGUN_FIELD,
  CANCEL_FIELD,
  CRASHES_FIELD,
  RETURNS_FIELD,
  STARTED_FIELD,
  SUSPECT_FIELD,
} from '../../src/wire/task-fields.ts';
import { rewriteTaskMessage } from '../../src/wire/task-message.ts';
import { queueState, type QueueState } from '../helpers/queue-state.ts';
import { earlyInSecond } from '../helpers/within-second.ts';
import { stateOf } from './batches.ts';
import { failed } from './owner-tasks.ts';
import {
  active,
  held,
  leasedBy,
  message,
  nobodys,
  OWNER,
  QUEUE,
  RUN,
  settleOurs,
  useBroker,
} from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const LOCK = 'asynq:{q}:unique:t:abc';
const SERVER = 'host:1:uuid';
const place = { server: SERVER, thread: 2 };

/** Plainly done, in the order of their lease. */
const plain = Array.from({ length: 12 }, (_, i) => `plain-${i}`);
/** In `active` from head to tail: the newest first, with some twice. */
const ACTIVE = [
  'retry',
  'plain-3',
  'waits',
  'no hash',
  'ü "😀"\n\u0000',
  'list',
  'unique',
  'theirs',
  'complete',
  'archive',
  'requeue',
  'twice',
  'returned',
  'no score',
  'twice',
  ...plain.toReversed(),
];

const done = (id: string): RunSettlement => ({
  run: RUN,
  settlement: { kind: 'done', id, uniqueKey: '' },
});

/** Every kind, and every reason why there is nothing to settle. */
const settlements: readonly RunSettlement[] = [
  ...plain.slice(0, 8).map(done),
  done('unknown'),
  done('theirs'),
  done('no hash'),
  done('list'),
  done('no score'),
  done('twice'),
  done('ü "😀"\n\u0000'),
  { run: RUN, settlement: { kind: 'done', id: 'unique', uniqueKey: LOCK } },
  {
    run: RUN,
    settlement: {
      kind: 'complete',
      id: 'complete',
      uniqueKey: '',
      message: rewriteTaskMessage(message('complete'), { stamp: 'completedAt' }),
      retentionSeconds: 5_000_000,
      result: Buffer.from('result'),
    },
    attempt: { outcome: 'ok', runMs: 7, ...place, report: { progress: '1', log: '[]' } },
  },
  {
    run: RUN,
    settlement: { kind: 'retry', id: 'retry', message: failed, delayMs: 5_000_000, counts: true },
    attempt: { outcome: 'retry', error: 'boom', runMs: 9, ...place },
  },
  { run: RUN, settlement: { kind: 'archive', id: 'archive', message: failed, mark: 'crash' } },
  { run: RUN, settlement: { kind: 'requeue', id: 'requeue', mark: 'suspect' } },
  { run: RUN, settlement: { kind: 'requeue', id: 'returned', mark: 'return' } },
  {
    run: RUN,
    settlement: { kind: 'retry', id: 'plain-1', message: failed, delayMs: 0, counts: true },
  },
  done('requeue'),
  done('plain-2'),
  ...plain.slice(8).map(done),
];

async function seedAll(now: number): Promise<void> {
  const leaseAt = now + 30;
  const fields = {
    [BEGUN_FIELD]: '1',
    [STARTED_FIELD]: `${now}000 2 ${SERVER}`,
    [CANCEL_FIELD]: '1',
    [RETURNS_FIELD]: '2',
    [CRASHES_FIELD]: '1',
    [SUSPECT_FIELD]: '1',
    foreign: 'kept',
  };
  const ours = held([...new Set(ACTIVE)], { leaseAt, fields });
  const tasks = { ...ours.tasks };
  for (const id of ['no hash', 'list']) delete tasks[id];
  tasks['theirs'] = { ...tasks['theirs'], ...leasedBy('them', leaseAt) };
  const lease = { ...ours.lease };
  delete lease['no score'];
  await seed({ active: ACTIVE, lease, tasks, locks: { [LOCK]: 'unique' } });
  await client.rpush(keys.task('list'), 'of another type');
}

test('a batch with every oddity in it leaves and answers what single calls do', async () => {
  const first = await earlyInSecond(client);
  await seedAll(first);
  const wanted: string[] = [];
  const begun = [{ id: 'waits', run: RUN }];
  for (const each of settlements) {
    const call = { queue: QUEUE, server: OWNER, settlements: [each], begun };
    wanted.push(...(await broker.settle(call)));
  }
  const left = await stateOf(client, first);

  const second = await earlyInSecond(client);
  await seedAll(second);
  const replies = await broker.settle({ queue: QUEUE, server: OWNER, settlements, begun });
  assert.deepEqual(replies, wanted);
  assert.deepEqual(await stateOf(client, second), left);
  assert.equal(replies.filter((reply) => reply === 'lost').length, 8);
  const { active: running } = await queueState(client, QUEUE).catch(async () => ({
    active: await client.lrange(keys.active, 0, -1),
  }));
  assert.deepEqual(running, ['waits', 'no hash', 'list', 'theirs', 'no score']);
});

test('what is recovered in a batch is what single calls recover', async () => {
  const ids = ['A', 'B', 'C', 'D'];
  const recoveries = (token: string | undefined): object[] =>
    ids.map((id) => ({ token, settlement: { kind: 'done', id, uniqueKey: '' } }));
  for (const mode of ['settleExpired', 'settleUnleased'] as const) {
    const states: unknown[] = [];
    for (const size of [1, ids.length]) {
      const now = await earlyInSecond(client);
      const parts: Partial<QueueState> = nobodys(ids, now - 5_000);
      const { B: _gone, ...tasks } = parts.tasks ?? {};
      const lease = mode === 'settleUnleased' ? {} : parts.lease;
      await seed({ ...parts, ...(lease && { lease }), tasks, active: ['A', 'D', 'C', 'B', 'A'] });
      const replies: string[] = [];
      for (let i = 0; i < ids.length; i += size) {
        const some = recoveries(undefined).slice(i, i + size);
        replies.push(...(await broker[mode](QUEUE, some as never)));
      }
      assert.deepEqual(replies, ['settled', 'lost', 'settled', 'settled']);
      states.push(await stateOf(client, now));
    }
    assert.deepEqual(states[1], states[0]);
  }
});

test('an error in the midst of a batch leaves what was to be done as it was', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A', 'B', 'C'], now + 30));
  await client.set(keys.retry, 'of another type');
  const batch: Settlement[] = [
    { kind: 'done', id: 'A', uniqueKey: '' },
    { kind: 'retry', id: 'B', message: failed, delayMs: 0, counts: true },
    { kind: 'done', id: 'C', uniqueKey: '' },
  ];
  await assert.rejects(settleOurs(broker, batch), /WRONGTYPE/);
  for (const id of ['A', 'C']) {
    assert.equal(await client.hget(keys.task(id), 'state'), 'active');
    assert.equal(await client.zscore(keys.lease, id), `${now + 30}`);
    assert.notEqual(await client.lpos(keys.active, id), null);
  }
});

test('tasks that are done are written when Redis is full, wherever in active they stand', async () => {
  for (const ids of [['A', 'B', 'C', 'D'], ['A', 'C'], ['C'], ['D', 'B'], ['unknown', 'B']]) {
    const now = await earlyInSecond(client);
    await seed(active(['A', 'B', 'C', 'D'], now + 30));
    await client.config('SET', 'maxmemory', '1');
    const outcomes: Settlement[] = ids.map((id) => ({ kind: 'done', id, uniqueKey: '' }));
    const [answer] = await Promise.allSettled([settleOurs(broker, outcomes)]);
    await client.config('SET', 'maxmemory', '0');
    const wanted = ids.map((id) => (id === 'unknown' ? 'lost' : 'settled'));
    assert.deepEqual(answer, { status: 'fulfilled', value: wanted });
    const left = ['A', 'B', 'C', 'D'].filter((id) => !ids.includes(id));
    const { active: running, lease, tasks } = await queueState(client, QUEUE);
    assert.deepEqual(running, left);
    assert.deepEqual([Object.keys(lease).sort(), Object.keys(tasks).sort()], [left, left]);
    const count = wanted.filter((reply) => reply === 'settled').length;
    assert.equal(await client.get(keys.processed), `${count}`);
  }
});

/** From head to tail, each with a lease: so long that a small batch looks at the end alone. */
const many = Array.from({ length: 100 }, (_, i) => `many-${i}`);

const places: Record<string, { settled: readonly string[]; twice?: string; retried?: string }> = {
  'the end itself': { settled: many.slice(-6) },
  'the end, with others between them': { settled: ['many-99', 'many-97', 'many-90', 'many-80'] },
  'the end, but for one at the head': { settled: ['many-0', 'many-98', 'many-99'] },
  'the head': { settled: many.slice(0, 3) },
  'the end, and once more at the head': { settled: many.slice(-3), twice: 'many-98' },
  'the end, one of them to be tried again': { settled: many.slice(-5), retried: 'many-96' },
  'the end, one of them nobody knows': { settled: ['many-99', 'unknown', 'many-97'] },
  'all of it': { settled: many },
};

for (const [where, { settled, twice, retried }] of Object.entries(places)) {
  test(`what ends leaves a long active, where it is ${where}, and the others keep their order`, async () => {
    const now = await earlyInSecond(client);
    const before = twice === undefined ? many : [twice, ...many];
    await seed({ ...active(many, now + 30), active: before });
    const outcomes = settled.map(
      (id): Settlement =>
        id === retried
          ? { kind: 'retry', id, message: failed, delayMs: 0, counts: true }
          : { kind: 'done', id, uniqueKey: '' },
    );
    const replies = await settleOurs(broker, outcomes);
    assert.deepEqual(
      replies,
      settled.map((id) => (id === 'unknown' ? 'lost' : 'settled')),
    );
    const left = many.filter((id) => !settled.includes(id));
    const { active: running, lease } = await queueState(client, QUEUE);
    assert.deepEqual(running, left);
    assert.deepEqual(Object.keys(lease).sort(), left.toSorted());
  });
}
