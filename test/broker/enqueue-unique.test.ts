/** The lock of unique tasks, and tasks in groups, as enqueuing takes and writes them (protocol 6, 8.2, 8.4 to 8.6). */
import assert from 'node:assert/strict';
import type { EnqueueEntry } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const LOCK = keys.unique('t', Buffer.from('x'));
/** The lock's name as `ttl` of a queue's state has it. */
const lockName = LOCK.slice(keys.prefix.length);
const bytes = (id: string): Buffer => message(id, { uniqueKey: LOCK });

/** A unique task. */
function unique(taskId: string, more: Partial<EnqueueEntry> = {}, seconds = 60): EnqueueEntry {
  return { taskId, message: bytes(taskId), unique: { key: LOCK, seconds }, ...more };
}

test('a unique task for now holds the lock for its time, and its hash names the lock', async () => {
  await seed({});
  const [reply] = await broker.enqueue(QUEUE, [unique('A')]);
  assert.equal(reply?.status, 'pending');
  assert.deepEqual(
    withoutPendingSince(await queueState(client, QUEUE)),
    state({
      pending: ['A'],
      tasks: { A: { msg: bytes('A'), state: 'pending', unique_key: LOCK } },
      locks: { [LOCK]: 'A' },
      ttl: { [lockName]: 60 },
    }),
  );
});

test('the lock of a scheduled task is held for its delay and its time, in whole seconds', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const when = { at: (now + 30) * 1000 - 500 };
  const [reply] = await broker.enqueue(QUEUE, [unique('A', { when }, 100)]);
  assert.deepEqual(reply, { status: 'scheduled', at: (now + 30) * 1000 });
  const found = await queueState(client, QUEUE);
  const ttl = found.ttl[lockName] ?? 0;
  assert.ok(ttl <= 130 && ttl > 120, `${ttl} s`); // a busy machine is slow
  assert.deepEqual(
    found,
    state({
      scheduled: { A: now + 30 },
      tasks: { A: { msg: bytes('A'), state: 'scheduled', unique_key: LOCK } },
      locks: { [LOCK]: 'A' },
      ttl: found.ttl,
    }),
  );
});

test('a lock is held for a second at least, whatever it is asked for', async () => {
  await seed({});
  const [reply] = await broker.enqueue(QUEUE, [unique('A', {}, 0)]);
  assert.equal(reply?.status, 'pending');
  assert.equal(await client.ttl(LOCK), 1);
});

test('a unique task in a group holds the lock, and unlike in asynq its hash names it', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const [reply] = await broker.enqueue(QUEUE, [unique('A', { group: 'g:1' })]);
  assert.equal(reply?.status, 'aggregating');
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: ['g:1'],
      group: { 'g:1': { A: now } },
      tasks: { A: { msg: bytes('A'), state: 'aggregating', group: 'g:1', unique_key: LOCK } },
      locks: { [LOCK]: 'A' },
      ttl: { [lockName]: 60 },
    }),
  );
});

test('a task in a group is stored with the name of the group, without pending_since', async () => {
  await seed({});
  const now = await earlyInSecond(client);
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A'), group: 'g' },
    { taskId: 'A', message: message('A'), group: 'h' },
  ]);
  assert.deepEqual(replies[1], { status: 'conflict', state: 'aggregating' });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      groups: ['g'],
      group: { g: { A: now } },
      tasks: { A: { msg: message('A'), state: 'aggregating', group: 'g' } },
    }),
  );
});

for (const [kind, more] of Object.entries<Partial<EnqueueEntry>>({
  now: {},
  later: { when: { in: 5000 } },
  'in a group': { group: 'g' },
})) {
  test(`a unique task for ${kind} is refused while another holds the lock, and told which`, async () => {
    const held = { locks: { [LOCK]: 'B' }, ttl: { [lockName]: 7 } };
    await seed(held);
    assert.deepEqual(await broker.enqueue(QUEUE, [unique('A', more)]), [
      { status: 'duplicate', holder: 'B' },
    ]);
    assert.deepEqual(await queueState(client, QUEUE), state(held));
  });

  test(`a unique task for ${kind} whose ID is in use leaves no lock behind`, async () => {
    const there = { scheduled: { A: 5 }, tasks: { A: { msg: 'old', state: 'scheduled' } } };
    await seed(there);
    assert.deepEqual(await broker.enqueue(QUEUE, [unique('A', more)]), [
      { status: 'conflict', state: 'scheduled' },
    ]);
    const found = await queueState(client, QUEUE);
    assert.deepEqual([found.locks, found.groups, found.scheduled], [{}, [], { A: 5 }]);
  });
}

test('a duplicate comes before a conflict, as in asynq', async () => {
  await seed({ tasks: { A: { msg: 'old', state: 'active' } }, locks: { [LOCK]: 'A' } });
  const replies = await broker.enqueue(QUEUE, [unique('A')]);
  assert.deepEqual(replies, [{ status: 'duplicate', holder: 'A' }]);
});

test('a lock that is no text and a task that is no hash are in the way without harm to others', async () => {
  await seed({});
  await client.rpush(LOCK, 'x');
  await client.rpush(keys.task('B'), 'x');
  const replies = await broker.enqueue(QUEUE, [
    unique('A'),
    { taskId: 'B', message: message('B'), replaceArchived: true },
    { taskId: 'C', message: message('C') },
  ]);
  assert.deepEqual(replies.slice(0, 2), [
    { status: 'duplicate', holder: '' },
    { status: 'conflict', state: '' },
  ]);
  assert.equal(replies[2]?.status, 'pending');
});

test('plain, scheduled, unique and group tasks go in one batch, each answered by itself', async () => {
  await seed({});
  const replies = await broker.enqueue(QUEUE, [
    { taskId: 'A', message: message('A') },
    unique('B'),
    unique('C'),
    { taskId: 'D', message: message('D'), group: 'g' },
    { taskId: 'E', message: message('E'), when: { in: 5000 } },
    unique('F', { unique: { key: keys.unique('t', undefined), seconds: 5 }, group: 'g' }),
    { taskId: 'A', message: message('A') },
  ]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['pending', 'pending', 'duplicate', 'aggregating', 'scheduled', 'aggregating', 'conflict'],
  );
  const found = await queueState(client, QUEUE);
  assert.deepEqual(found.pending, ['B', 'A']);
  assert.deepEqual(Object.keys(found.group['g'] ?? {}), ['D', 'F']);
  assert.deepEqual(Object.keys(found.scheduled), ['E']);
  assert.deepEqual(found.locks, { [LOCK]: 'B', [keys.unique('t', undefined)]: 'F' });
});

test('a call that comes again gets its answers, its own lock and an ID in use included', async () => {
  await seed({ locks: { [LOCK]: 'other' }, tasks: { A: { msg: 'old', state: 'active' } } });
  const free = { unique: { key: keys.unique('t', undefined), seconds: 9 } };
  const entries = [unique('B'), unique('C', free), { taskId: 'A', message: message('A') }];
  const name = { caller: 'us', slot: 0, number: 1, withinMs: 2000 };
  const first = await broker.enqueue(QUEUE, entries, name);
  assert.deepEqual(
    first.map((reply) => reply.status),
    ['duplicate', 'pending', 'conflict'],
  );
  const after = await queueState(client, QUEUE);
  assert.deepEqual(await broker.enqueue(QUEUE, entries, name), first);
  const again = { ...name, slot: 1, number: 2 };
  const [alone] = await broker.enqueue(QUEUE, entries.slice(1, 2), {
    ...again,
    slot: 0,
    number: 1,
    place: 2,
  });
  assert.deepEqual(alone, first[1]);
  assert.deepEqual(await queueState(client, QUEUE), after);
  const [fresh] = await broker.enqueue(QUEUE, entries.slice(1, 2), again);
  assert.deepEqual(fresh, { status: 'duplicate', holder: 'C' });
});
