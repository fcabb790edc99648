import assert from 'node:assert/strict';
import type { Settlement } from '../../src/broker/broker.ts';
import { utcDay } from '../../src/wire/keys.ts';
import { rewriteTaskMessage, stampTaskMessage } from '../../src/wire/task-message.ts';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { active, held, message, nobodys, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const NINETY_DAYS = 7_776_000;
const LOCK = 'asynq:{q}:unique:t:abc';

const failed = rewriteTaskMessage(message('A'), {
  errorMsg: 'boom',
  retried: 1,
  stamp: 'lastFailedAt',
});
const completed = rewriteTaskMessage(message('A'), { stamp: 'completedAt' });

/** The counters after one settled attempt, with the time to live of the daily ones. */
function counted(now: number, names: readonly string[]): object {
  const day = utcDay(now * 1000);
  const daily = names.map((name) => `${name}:${day}`);
  return {
    counters: Object.fromEntries([...names, ...daily].map((name) => [name, '1'])),
    ttl: Object.fromEntries(daily.map((name) => [name, NINETY_DAYS])),
  };
}

function roundTtl(found: Awaited<ReturnType<typeof queueState>>): object {
  // A second may have passed since the counter was made.
  const ttl = Object.entries(found.ttl).map(([name, seconds]) => [
    name,
    NINETY_DAYS - seconds <= 1 ? NINETY_DAYS : seconds,
  ]);
  return { ...found, ttl: Object.fromEntries(ttl) };
}

async function settleOne(settlement: Settlement): Promise<string | undefined> {
  const [reply] = await settleOurs(broker, [settlement]);
  return reply;
}

test('done deletes the task, counts it and releases its lock', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A', 'B'], now + 30), locks: { [LOCK]: 'A' } });
  assert.equal(await settleOne({ kind: 'done', id: 'A', uniqueKey: LOCK }), 'settled');
  assert.deepEqual(
    roundTtl(await queueState(client, QUEUE)),
    state({ ...active(['B'], now + 30), ...counted(now, ['processed']) }),
  );
});

test('a lock that a newer task holds is left alone', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), locks: { [LOCK]: 'newer' } });
  await settleOne({ kind: 'done', id: 'A', uniqueKey: LOCK });
  assert.deepEqual((await queueState(client, QUEUE)).locks, { [LOCK]: 'newer' });
});

test('a lock key of another type does not keep a task from being settled', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await client.rpush(LOCK, 'A');
  assert.equal(await settleOne({ kind: 'done', id: 'A', uniqueKey: LOCK }), 'settled');
  assert.equal(await client.exists(LOCK), 1);
});

test('complete keeps the task and its result until the retention is over', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), locks: { [LOCK]: 'A' } });
  const result = Buffer.from('forty-two');
  const settlement = { kind: 'complete', id: 'A', uniqueKey: LOCK, message: completed } as const;
  assert.equal(await settleOne({ ...settlement, retentionSeconds: 60, result }), 'settled');
  const msg = Buffer.from(stampTaskMessage(completed, now));
  assert.deepEqual(
    roundTtl(await queueState(client, QUEUE)),
    state({
      completed: { A: now + 60 },
      tasks: { A: { msg, state: 'completed', result } },
      ...counted(now, ['processed']),
    }),
  );
});

test('complete without a result writes none and keeps one that is there', async () => {
  const now = await earlyInSecond(client);
  const fields = { result: Buffer.from('earlier') };
  await seed(held(['A'], { leaseAt: now + 30, fields }));
  const settlement = { kind: 'complete', id: 'A', uniqueKey: '', message: completed } as const;
  await settleOne({ ...settlement, retentionSeconds: 1 });
  const found = await queueState(client, QUEUE);
  assert.deepEqual(found.tasks['A']?.['result'], Buffer.from('earlier'));
});

test('an empty result is stored as empty', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  const settlement = { kind: 'complete', id: 'A', uniqueKey: '', message: completed } as const;
  await settleOne({ ...settlement, retentionSeconds: 1, result: new Uint8Array() });
  const found = await queueState(client, QUEUE);
  assert.deepEqual(found.tasks['A']?.['result'], Buffer.alloc(0));
});

test('retry stores the changed message, stamped with the time of Redis, and counts a failure', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), locks: { [LOCK]: 'A' } });
  const settlement = { kind: 'retry', id: 'A', message: failed, delayMs: 15_000 } as const;
  assert.equal(await settleOne({ ...settlement, counts: true }), 'settled');
  const msg = Buffer.from(stampTaskMessage(failed, now));
  const found = await queueState(client, QUEUE);
  const retryAt = found.retry['A'] ?? 0;
  assert.deepEqual(
    roundTtl(found),
    state({
      retry: { A: retryAt },
      tasks: { A: { msg, state: 'retry' } },
      locks: { [LOCK]: 'A' },
      ...counted(now, ['processed', 'failed']),
    }),
  );
  assert.equal(retryAt, now + 16, 'rounded up to a whole second, so never early');
});

test('a retry that does not count leaves the counters alone', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  await settleOne({ kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: false });
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.retry, found.counters], [{ A: now }, {}]);
});

test('archive stores the changed message and always counts a failure', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), locks: { [LOCK]: 'A' } });
  assert.equal(await settleOne({ kind: 'archive', id: 'A', message: failed }), 'settled');
  const msg = Buffer.from(stampTaskMessage(failed, now));
  assert.deepEqual(
    roundTtl(await queueState(client, QUEUE)),
    state({
      archived: { A: now },
      tasks: { A: { msg, state: 'archived' } },
      locks: { [LOCK]: 'A' },
      ...counted(now, ['processed', 'failed']),
    }),
  );
});

test('requeue puts the task at the end that is taken next, with a new pending_since and no count', async () => {
  const now = await earlyInSecond(client);
  const waiting = { msg: message('W'), state: 'pending' };
  const { tasks, ...lists } = active(['A'], now + 30);
  await seed({ ...lists, pending: ['W'], tasks: { ...tasks, W: waiting } });
  assert.equal(await settleOne({ kind: 'requeue', id: 'A' }), 'settled');
  const found = await queueState(client, QUEUE);
  assert.match(String(found.tasks['A']?.['pending_since']), new RegExp(`^${now}\\d{6}000$`));
  assert.deepEqual(
    withoutPendingSince(found),
    state({
      pending: ['W', 'A'],
      tasks: { A: { msg: message('A'), state: 'pending' }, W: waiting },
    }),
  );
});

test('a batch settles each task by itself and answers in order', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A', 'B', 'C', 'D'], now + 30));
  const replies = await settleOurs(broker, [
    { kind: 'done', id: 'A', uniqueKey: '' },
    { kind: 'done', id: 'unknown', uniqueKey: '' },
    { kind: 'requeue', id: 'B' },
    { kind: 'archive', id: 'C', message: failed },
    { kind: 'done', id: 'A', uniqueKey: '' },
  ]);
  assert.deepEqual(replies, ['settled', 'lost', 'settled', 'settled', 'lost']);
  const found = await queueState(client, QUEUE);
  assert.deepEqual(
    [found.active, found.lease, found.pending, found.archived],
    [['D'], { D: now + 30 }, ['B'], { C: now }],
  );
  assert.deepEqual([found.counters['processed'], found.counters['failed']], ['2', '1']);
});

const everyKind: Settlement[] = [
  { kind: 'done', id: 'A', uniqueKey: LOCK },
  { kind: 'complete', id: 'A', uniqueKey: LOCK, message: completed, retentionSeconds: 5 },
  { kind: 'retry', id: 'A', message: failed, delayMs: 1000, counts: true },
  { kind: 'archive', id: 'A', message: failed },
  { kind: 'requeue', id: 'A' },
];

for (const settlement of everyKind) {
  test(`${settlement.kind} of a task that is only in active, or only in lease, changes nothing`, async () => {
    const now = await earlyInSecond(client);
    const { tasks } = active(['A'], now + 30);
    for (const half of [{ active: ['A'] }, { lease: { A: now + 30 } }, { pending: ['A'] }]) {
      await seed({ ...half, tasks: tasks ?? {}, locks: { [LOCK]: 'A' } });
      const before = await queueState(client, QUEUE);
      assert.equal(await settleOne(settlement), 'lost');
      assert.deepEqual(await queueState(client, QUEUE), before);
    }
  });

  test(`${settlement.kind} of a task whose hash was deleted makes no half hash`, async () => {
    const now = await earlyInSecond(client);
    const left = { active: ['A'], lease: { A: now + 30 } };
    await seed(left);
    assert.equal(await settleOne(settlement), 'lost');
    assert.deepEqual(await queueState(client, QUEUE), state(left), 'nobody’s, until it is over');
    const lost = { token: undefined, settlement };
    assert.deepEqual(await at(61).settleExpired(QUEUE, [lost]), ['lost']);
    assert.deepEqual(await queueState(client, QUEUE), state());
  });

  test(`${settlement.kind} of a recovered task is refused once the lease was extended again`, async () => {
    const now = await earlyInSecond(client);
    const nobodysTask = { token: undefined, settlement };
    for (const leaseAt of [now + 30, now - 29]) {
      await seed({ ...nobodys(['A'], leaseAt), locks: { [LOCK]: 'A' } });
      const before = await queueState(client, QUEUE);
      assert.deepEqual(await broker.settleExpired(QUEUE, [nobodysTask]), ['lost']);
      assert.deepEqual(await queueState(client, QUEUE), before);
    }
    await seed(nobodys(['A'], now - 30));
    assert.deepEqual(await broker.settleExpired(QUEUE, [nobodysTask]), ['settled']);
  });
}

test('a message without instant is written as it is', async () => {
  const now = await earlyInSecond(client);
  await seed(active(['A'], now + 30));
  const head = message('A', { type: 'threadmill:undecodable' });
  const whole = { head, tail: new Uint8Array(), field: 'none' } as const;
  await settleOne({ kind: 'archive', id: 'A', message: whole });
  assert.deepEqual((await queueState(client, QUEUE)).tasks['A']?.['msg'], head);
});

test('an empty batch sends nothing', async () => {
  assert.deepEqual(await settleOurs(broker, []), []);
  assert.deepEqual(await broker.settleExpired(QUEUE, []), []);
});

test('all occurrences of an ID leave active', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 30), active: ['A', 'B', 'A'] });
  await settleOne({ kind: 'done', id: 'A', uniqueKey: '' });
  assert.deepEqual((await queueState(client, QUEUE)).active, ['B']);
});
