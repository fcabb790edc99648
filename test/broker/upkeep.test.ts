import assert from 'node:assert/strict';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { leaseOurs, message, nobodys, QUEUE, useBroker } from './tasks.ts';

const { at, broker, client, seed } = await useBroker();

function task(id: string, fields: object = {}): Record<string, string | Buffer> {
  return { msg: message(id), ...fields };
}

test('due tasks go to pending in the order of their time, those with equal times in that of their IDs', async () => {
  const now = await earlyInSecond(client);
  const ids = ['late', 'b', 'a', 'now', 'failed', 'future'];
  await seed({
    scheduled: { late: now - 50, b: now - 9, a: now - 9, now, future: now + 2 },
    retry: { failed: now - 1 },
    tasks: Object.fromEntries(
      ids.map((id) => [id, task(id, { state: id === 'failed' ? 'retry' : 'scheduled' })]),
    ),
  });
  assert.equal(await broker.forward(QUEUE), 5);
  const found = await queueState(client, QUEUE);
  assert.match(String(found.tasks['a']?.['pending_since']), new RegExp(`^${now}\\d{6}000$`));
  assert.deepEqual(
    withoutPendingSince(found),
    state({
      pending: ['failed', 'now', 'b', 'a', 'late'],
      scheduled: { future: now + 2 },
      tasks: Object.fromEntries(
        ids.map((id) => [id, task(id, { state: id === 'future' ? 'scheduled' : 'pending' })]),
      ),
    }),
  );
  assert.equal(await broker.forward(QUEUE), 0);
});

test('a task of a group goes to its group, whose name is registered', async () => {
  const now = await earlyInSecond(client);
  await seed({
    retry: { A: now },
    scheduled: { B: now },
    tasks: {
      A: task('A', { state: 'retry', group: 'g:1' }),
      B: task('B', { state: 'scheduled', group: '' }),
    },
  });
  assert.equal(await broker.forward(QUEUE), 2);
  assert.deepEqual(
    withoutPendingSince(await queueState(client, QUEUE)),
    state({
      pending: ['B'],
      groups: ['g:1'],
      group: { 'g:1': { A: now } },
      tasks: {
        A: task('A', { state: 'aggregating', group: 'g:1' }),
        B: task('B', { state: 'pending', group: '' }),
      },
    }),
  );
});

test('a call moves at most 100 tasks of each kind', async () => {
  const now = await earlyInSecond(client);
  const scheduled = Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`s${i}`, now - 1]));
  const tasks = Object.fromEntries(Object.keys(scheduled).map((id) => [id, task(id)]));
  await seed({ scheduled, retry: { r: now }, tasks: { ...tasks, r: task('r') } });
  const moved = [];
  for (let i = 0; i < 4; i++) moved.push(await broker.forward(QUEUE));
  assert.deepEqual(moved, [101, 100, 30, 0]);
});

test('a due ID without hash goes on without a stub, and the lease reports it', async () => {
  const now = await earlyInSecond(client);
  await seed({ scheduled: { gone: now } });
  assert.equal(await broker.forward(QUEUE), 1);
  assert.deepEqual(await queueState(client, QUEUE), state({ pending: ['gone'] }));
  assert.deepEqual((await leaseOurs(broker)).dropped, ['gone']);
  assert.deepEqual(await queueState(client, QUEUE), state());
});

test('forwarding goes on while the queue is paused', async () => {
  const now = await earlyInSecond(client);
  await seed({ scheduled: { A: now }, tasks: { A: task('A') }, paused: '1' });
  assert.equal(await broker.forward(QUEUE), 1);
});

test('completed tasks are deleted when their time is over, at most 100 a call', async () => {
  const now = await earlyInSecond(client);
  const over = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, now]));
  const tasks = Object.fromEntries(
    [...Object.keys(over), 'kept'].map((id) => [id, task(id, { state: 'completed' })]),
  );
  await seed({ completed: { ...over, kept: now + 2 }, tasks });
  const deleted = [];
  for (let i = 0; i < 3; i++) deleted.push(await broker.expireCompleted(QUEUE));
  assert.deepEqual(deleted, [100, 1, 0]);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({ completed: { kept: now + 2 }, tasks: { kept: task('kept', { state: 'completed' }) } }),
  );
});

test('leases are listed as expired 30 s after their end, the oldest first', async () => {
  const now = await earlyInSecond(client);
  const { tasks } = nobodys(['A', 'B', 'C'], now);
  await seed({
    active: ['A', 'B', 'C'],
    lease: { A: now - 30, B: now - 29, C: now - 90 },
    tasks: tasks ?? {},
  });
  const before = await queueState(client, QUEUE);
  const expired = await broker.expiredLeases(QUEUE);
  assert.deepEqual(
    expired.map(({ id, message: bytes }) => [id, Buffer.from(bytes ?? []).toString('hex')]),
    [
      ['C', message('C').toString('hex')],
      ['A', message('A').toString('hex')],
    ],
  );
  assert.deepEqual(await queueState(client, QUEUE), before);
  assert.equal((await at(1).expiredLeases(QUEUE)).length, 3);
});

test('at most 100 expired leases are listed', async () => {
  const now = await earlyInSecond(client);
  await seed(
    nobodys(
      Array.from({ length: 120 }, (_, i) => `task-${i}`),
      now - 60,
    ),
  );
  assert.equal((await broker.expiredLeases(QUEUE)).length, 100);
});

test('broken entries among expired leases are repaired instead of listed for ever', async () => {
  const now = await earlyInSecond(client);
  const old = now - 60;
  await seed({
    active: ['hashless', 'bodyless'],
    lease: { hashless: old, bodyless: old, adrift: old, moved: old },
    retry: { moved: now + 50 },
    tasks: {
      bodyless: { state: 'active' },
      adrift: task('adrift', { state: 'active' }),
      moved: task('moved', { state: 'retry' }),
    },
  });
  const expired = await broker.expiredLeases(QUEUE);
  assert.deepEqual(
    expired.map(({ id, message: bytes }) => [id, bytes === undefined]),
    [
      ['adrift', false],
      ['bodyless', true],
    ],
  );
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['adrift', 'bodyless'],
      lease: { adrift: old, bodyless: old },
      retry: { moved: now + 50 },
      tasks: {
        bodyless: { state: 'active' },
        adrift: task('adrift', { state: 'active' }),
        moved: task('moved', { state: 'retry' }),
      },
    }),
  );
});
