/** Changing tasks that wait: another time, another message. */
import assert from 'node:assert/strict';
import type { ReplaceMessageReply, RescheduleReply } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, state, type QueueState } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const LOCK = keys.unique('t', Buffer.from('x'));
const NEW_LOCK = keys.unique('t', Buffer.from('y'));
const nameOf = (key: string): string => key.slice(keys.prefix.length);
const SETS = ['scheduled', 'retry', 'archived'] as const;

/** Task A in one of the sorted sets. */
function waiting(place: (typeof SETS)[number], score: number, more = {}): Partial<QueueState> {
  return { [place]: { A: score }, tasks: { A: { msg: message('A'), state: place, ...more } } };
}

function reschedule(when?: { in: number } | { at: number }): Promise<RescheduleReply> {
  return broker.reschedule({ queue: QUEUE, taskId: 'A', ...(when && { when }) });
}

function done(fact: { state: string; dueAt?: number }): RescheduleReply {
  return { status: 'done', task: { message: new Uint8Array(message('A')), ...fact } };
}

for (const [place, target] of [
  ['scheduled', 'scheduled'],
  ['retry', 'retry'],
  ['archived', 'scheduled'],
] as const) {
  test(`a task that is ${place} gets another time, and is ${target}`, async () => {
    const now = await earlyInSecond(client);
    await seed(waiting(place, now + 5, { group: 'g', result: 'r' }));
    assert.deepEqual(
      await reschedule({ at: (now + 60) * 1000 - 999 }),
      done({ state: target, dueAt: (now + 60) * 1000 }),
    );
    // A forwarder would put it back into the group that it has left, instead of letting it run.
    const group = target === 'retry' ? { group: 'g' } : {};
    const task = { msg: message('A'), state: target, result: Buffer.from('r'), ...group };
    const wanted = state({ [target]: { A: now + 60 }, tasks: { A: task } });
    assert.deepEqual(await queueState(client, QUEUE), wanted);
  });

  test(`a task that is ${place} becomes pending at once, with pending_since`, async () => {
    const now = await earlyInSecond(client);
    for (const when of [undefined, { at: now * 1000 - 1 }, { in: 0 }]) {
      await seed({ ...waiting(place, now + 5), pending: ['old'] });
      assert.deepEqual(await reschedule(when), done({ state: 'pending' }));
      const found = await queueState(client, QUEUE);
      assert.deepEqual([found.pending, found[place]], [['A', 'old'], {}]);
      assert.equal(String(found.tasks['A']?.['state']), 'pending');
      assert.match(String(found.tasks['A']?.['pending_since']), /^\d{16}000$/);
    }
  });
}

test('a pending task is put off, from wherever it stands, and left as it is when it is to run now', async () => {
  const now = await earlyInSecond(client);
  const there = {
    pending: ['X', 'A', 'Y'],
    tasks: { A: { msg: message('A'), state: 'pending', pending_since: '5' } },
  };
  await seed(there);
  assert.deepEqual(await reschedule(), done({ state: 'pending' }));
  assert.deepEqual(await queueState(client, QUEUE), state(there));
  await reschedule({ at: (now + 61) * 1000 });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      pending: ['X', 'Y'],
      scheduled: { A: now + 61 },
      tasks: { A: { msg: message('A'), state: 'scheduled' } },
    }),
  );
});

test('a pending task is found near both ends of a long queue, and not sought in between', async () => {
  await seed({});
  const fill = `for i = 1, 150000 do redis.call('RPUSH', KEYS[1], 'task-' .. i) end`;
  await client.eval(fill, 1, keys.pending);
  for (const [index, wanted] of [
    [1, 'done'],
    [50_000, 'done'],
    [75_000, 'state'],
    [100_001, 'done'],
    [149_999, 'done'],
  ] as const) {
    const id = `task-${index}`;
    await client.hset(keys.task(id), { msg: message('A'), state: 'pending' });
    const reply = await broker.reschedule({ queue: QUEUE, taskId: id, when: { in: 5000 } });
    assert.equal(reply.status, wanted, id);
    const isThere = (await client.lpos(keys.pending, id)) !== null;
    assert.equal(isThere, wanted === 'state', id);
  }
});

test('a lock is held longer by as much as the task is put off, and never shorter', async () => {
  const now = await earlyInSecond(client);
  for (const [place, score, at, left] of [
    ['scheduled', now + 100, now + 150, 250],
    ['scheduled', now + 100, now + 50, 200],
    ['scheduled', now - 100, now + 50, 250], // overdue: it would have run by now
    ['retry', now + 100, now + 150, 250],
    ['archived', now - 100, now + 50, 250],
  ] as const) {
    await seed({
      ...waiting(place, score, { unique_key: LOCK }),
      locks: { [LOCK]: 'A' },
      ttl: { [nameOf(LOCK)]: 200 },
    });
    await reschedule({ at: at * 1000 });
    const ttl = await client.ttl(LOCK);
    assert.ok(ttl <= left && ttl > left - 10, `${place}: ${ttl} s`); // a busy machine is slow
  }
});

test('a lock that is another’s, expires never or is gone is left alone', async () => {
  const now = await earlyInSecond(client);
  const task = waiting('scheduled', now + 5, { unique_key: LOCK });
  for (const [locks, ttl] of [
    [{ [LOCK]: 'B' }, { [nameOf(LOCK)]: 200 }],
    [{ [LOCK]: 'A' }, {}],
    [{}, {}],
  ] as const) {
    await seed({ ...task, locks, ttl });
    assert.equal((await reschedule({ in: 60_000 })).status, 'done');
    const found = await queueState(client, QUEUE);
    assert.deepEqual([found.locks, found.ttl], [locks, ttl]);
  }
});

for (const other of ['active', 'completed', 'aggregating', 'nonsense']) {
  test(`a task that is ${other} is not given another time`, async () => {
    const there = { tasks: { A: { msg: message('A'), state: other } } };
    await seed(there);
    assert.deepEqual(await reschedule({ in: 5000 }), { status: 'state', state: other });
    assert.deepEqual(await queueState(client, QUEUE), state(there));
  });
}

test('a task that is not where its state says, or holds no message, is not touched', async () => {
  for (const place of ['pending', ...SETS]) {
    await seed({ tasks: { A: { msg: message('A'), state: place } } });
    assert.deepEqual(await reschedule({ in: 5000 }), { status: 'state', state: place });
  }
  await seed({ scheduled: { A: 5 }, tasks: { A: { state: 'scheduled' } } });
  assert.equal((await reschedule()).status, 'state');
});

test('a task that is not there, or is no task, is answered as gone', async () => {
  await seed({});
  assert.deepEqual(await reschedule(), { status: 'gone' });
  assert.deepEqual(await replace(), { status: 'gone' });
  await client.set(keys.task('A'), 'text');
  assert.deepEqual(await reschedule(), { status: 'gone' });
  assert.deepEqual(await replace(), { status: 'gone' });
});

test('rescheduling twice is the same as once', async () => {
  const now = await earlyInSecond(client);
  await seed(waiting('archived', now - 5));
  const first = await reschedule({ at: (now + 60) * 1000 });
  const once = await queueState(client, QUEUE);
  assert.deepEqual(await reschedule({ at: (now + 60) * 1000 }), first);
  assert.deepEqual(await queueState(client, QUEUE), once);
});

const NEW = message('A', { payload: Buffer.from('y') });

function replace(lock?: { from: string; to: string }): Promise<ReplaceMessageReply> {
  return broker.replaceMessage({
    queue: QUEUE,
    taskId: 'A',
    old: message('A'),
    message: NEW,
    ...(lock && { lock }),
  });
}

for (const place of [...SETS, 'pending'] as const) {
  test(`the message of a task that is ${place} is replaced, and nothing else`, async () => {
    const more = { state: place, pending_since: '5', group: 'g', threadmill_crashes: '1' };
    const where = place === 'pending' ? { pending: ['A'] } : { [place]: { A: 77 } };
    await seed({ ...where, tasks: { A: { msg: message('A'), ...more } } });
    const due = place === 'scheduled' || place === 'retry' ? { dueAt: 77_000 } : {};
    assert.deepEqual(await replace(), {
      status: 'done',
      task: { message: NEW, state: place, ...due },
    });
    assert.deepEqual(
      await queueState(client, QUEUE),
      state({ ...where, tasks: { A: { msg: NEW, ...more } } }),
    );
  });
}

test('the message of a task in a group is replaced until it is staged for aggregation', async () => {
  const task = { A: { msg: message('A'), state: 'aggregating', group: 'g' } };
  await seed({ groups: ['g'], group: { g: { A: 5 } }, tasks: task });
  assert.equal((await replace()).status, 'done');
  await seed({ group: { 'g:set': { A: 5 } }, tasks: task });
  assert.deepEqual(await replace(), { status: 'state', state: 'aggregating' });
});

for (const other of ['active', 'completed', 'nonsense']) {
  test(`the message of a task that is ${other} is not replaced`, async () => {
    const there = { tasks: { A: { msg: message('A'), state: other } } };
    await seed(there);
    assert.deepEqual(await replace(), { status: 'state', state: other });
    assert.deepEqual(await queueState(client, QUEUE), state(there));
  });
}

test('a message that somebody else has changed since is not replaced', async () => {
  const there = {
    retry: { A: 5 },
    tasks: { A: { msg: message('A', { retried: 1 }), state: 'retry' } },
  };
  await seed(there);
  assert.deepEqual(await replace({ from: LOCK, to: NEW_LOCK }), { status: 'changed' });
  assert.deepEqual(await queueState(client, QUEUE), state(there));
});

const MOVE = { from: LOCK, to: NEW_LOCK };

test('a lock moves to the new payload with the time that is left', async () => {
  await seed({
    ...waiting('retry', 5, { unique_key: LOCK }),
    locks: { [LOCK]: 'A' },
    ttl: { [nameOf(LOCK)]: 200 },
  });
  assert.equal((await replace(MOVE)).status, 'done');
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.locks, found.ttl], [{ [NEW_LOCK]: 'A' }, { [nameOf(NEW_LOCK)]: 200 }]);
  assert.equal(String(found.tasks['A']?.['unique_key']), NEW_LOCK);
});

test('a lock without an end keeps none, and one that stays where it is is not touched', async () => {
  const task = waiting('retry', 5, { unique_key: LOCK });
  await seed({ ...task, locks: { [LOCK]: 'A' } });
  await replace(MOVE);
  assert.deepEqual((await queueState(client, QUEUE)).ttl, {});
  await seed({ ...task, locks: { [LOCK]: 'A' }, ttl: { [nameOf(LOCK)]: 200 } });
  await replace({ from: LOCK, to: LOCK });
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.locks, found.ttl], [{ [LOCK]: 'A' }, { [nameOf(LOCK)]: 200 }]);
});

test('while another task holds the new lock nothing is replaced', async () => {
  const there = {
    ...waiting('retry', 5, { unique_key: LOCK }),
    locks: { [LOCK]: 'A', [NEW_LOCK]: 'B' },
  };
  await seed(there);
  assert.deepEqual(await replace(MOVE), { status: 'duplicate', holder: 'B' });
  assert.deepEqual(await queueState(client, QUEUE), state(there));
});

test('a new lock that the task itself holds from before is in nobody’s way', async () => {
  await seed({
    ...waiting('retry', 5, { unique_key: LOCK }),
    locks: { [LOCK]: 'A', [NEW_LOCK]: 'A' },
    ttl: { [nameOf(LOCK)]: 200, [nameOf(NEW_LOCK)]: 5 },
  });
  assert.equal((await replace(MOVE)).status, 'done');
  const found = await queueState(client, QUEUE);
  assert.deepEqual([found.locks, found.ttl], [{ [NEW_LOCK]: 'A' }, { [nameOf(NEW_LOCK)]: 200 }]);
});

test('a lock that is no text is left where it is, and in the way of a payload that needs it', async () => {
  const task = waiting('retry', 5, { unique_key: LOCK });
  await seed(task);
  await client.rpush(LOCK, 'A');
  assert.equal((await reschedule({ in: 60_000 })).status, 'done');
  assert.equal((await replace(MOVE)).status, 'done');
  assert.equal(await client.llen(LOCK), 1);
  await seed({ ...task, locks: { [LOCK]: 'A' } });
  await client.rpush(NEW_LOCK, 'A');
  assert.deepEqual(await replace(MOVE), { status: 'duplicate', holder: '' });
});

test('a lock that the task no longer holds does not move, and none is taken', async () => {
  for (const locks of [{}, { [LOCK]: 'B' }, { [LOCK]: 'B', [NEW_LOCK]: 'C' }]) {
    await seed({ ...waiting('retry', 5, { unique_key: LOCK }), locks });
    assert.equal((await replace(MOVE)).status, 'done');
    const found = await queueState(client, QUEUE);
    assert.deepEqual(found.locks, locks);
    assert.equal(String(found.tasks['A']?.['unique_key']), NEW_LOCK);
  }
});
