import assert from 'node:assert/strict';
import { queueState, state, withoutPendingSince } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import {
  active,
  extendOurs,
  leasedBy,
  leaseOurs,
  message,
  OWNER,
  QUEUE,
  RUN,
  useBroker,
} from './tasks.ts';

const { broker, client, seed } = await useBroker();

function pendingTask(id: string, since?: string): Record<string, string | Buffer> {
  const fields = { msg: message(id), state: 'pending' };
  return since === undefined ? fields : { ...fields, pending_since: since };
}

test('a lease takes tasks from the right into active and lease, and forgets pending_since', async () => {
  const now = await earlyInSecond(client);
  await seed({
    pending: ['C', 'B', 'A'],
    active: ['X'],
    tasks: { A: pendingTask('A', `${now - 2}000000000`), B: pendingTask('B'), C: pendingTask('C') },
  });
  const reply = await leaseOurs(broker, 2);

  assert.deepEqual(
    reply.tasks.map(({ id }) => id),
    ['A', 'B'],
  );
  assert.deepEqual(Buffer.from(reply.tasks[0]?.message ?? []), message('A'));
  const waited = reply.tasks[0]?.waitedMs ?? 0;
  assert.ok(waited >= 2000 && waited < 3000, `waited ${waited}`);
  assert.equal(reply.tasks[1]?.waitedMs, undefined);
  assert.deepEqual([reply.dropped, reply.more], [[], true]);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      pending: ['C'],
      active: ['B', 'A', 'X'],
      lease: { A: now + 30, B: now + 30 },
      tasks: {
        A: { msg: message('A'), state: 'active', ...leasedBy(OWNER, now + 30) },
        B: { msg: message('B'), state: 'active', ...leasedBy(OWNER, now + 30, RUN + 1) },
        C: pendingTask('C'),
      },
    }),
  );
});

test('an empty queue gives nothing and has no more', async () => {
  await seed({});
  assert.deepEqual(await leaseOurs(broker, 5), {
    tasks: [],
    dropped: [],
    more: false,
  });
  assert.deepEqual(await client.keys('*'), []);
});

test('a queue drained by the call has no more', async () => {
  await seed({ pending: ['A'], tasks: { A: pendingTask('A') } });
  const reply = await leaseOurs(broker);
  assert.deepEqual([reply.tasks.length, reply.more], [1, false]);
});

test('a paused queue gives nothing and is left as it is', async () => {
  await seed({ pending: ['A'], tasks: { A: pendingTask('A') }, paused: '1700000000' });
  const before = await queueState(client, QUEUE);
  assert.deepEqual(await leaseOurs(broker, 5), {
    tasks: [],
    dropped: [],
    more: false,
  });
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('among bad entries the good ones are leased, an ID without hash is dropped, a hash without message is reported', async () => {
  const now = await earlyInSecond(client);
  const ours = (i: number): object => leasedBy(OWNER, now + 30, RUN + i);
  await seed({
    pending: ['A', 'gone', 'empty', 'list', 'B', 'gone'],
    tasks: { A: pendingTask('A'), B: pendingTask('B'), empty: { state: 'pending' } },
  });
  await client.rpush('asynq:{q}:t:list', 'of another type');
  const reply = await leaseOurs(broker, 10);
  await client.del('asynq:{q}:t:list');

  assert.deepEqual(
    reply.tasks.map(({ id, message: bytes }) => [id, bytes !== undefined]),
    [
      ['B', true],
      ['empty', false],
      ['A', true],
    ],
  );
  assert.deepEqual(reply.dropped, ['gone', 'list', 'gone']);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A', 'empty', 'B'],
      lease: { A: now + 30, B: now + 30, empty: now + 30 },
      tasks: {
        B: { msg: message('B'), state: 'active', ...ours(0) },
        empty: { state: 'active', ...ours(1) },
        A: { msg: message('A'), state: 'active', ...ours(2) },
      },
    }),
  );
});

test('a call stops before it passes 1 MiB of messages, and puts back what was too much', async () => {
  const ids = ['A', 'B', 'C', 'D'];
  const large = Buffer.alloc(400_000, 7);
  const entries = ids.map((taskId) => ({ taskId, message: large }));
  await seed({});
  await broker.enqueue(QUEUE, entries);
  const before = await queueState(client, QUEUE);
  const reply = await leaseOurs(broker, 10);

  assert.deepEqual(
    reply.tasks.map(({ id }) => id),
    ['A', 'B'],
  );
  assert.equal(reply.more, true);
  const after = await queueState(client, QUEUE);
  assert.deepEqual(
    [after.pending, after.active],
    [
      ['D', 'C'],
      ['B', 'A'],
    ],
  );
  assert.deepEqual(Object.keys(after.lease), ['A', 'B']);
  assert.deepEqual(after.tasks['C'], before.tasks['C']);
});

test('one message is leased however large it is', async () => {
  await seed({});
  const huge = Buffer.alloc(3_000_000, 1);
  await broker.enqueue(QUEUE, [
    { taskId: 'A', message: huge },
    { taskId: 'B', message: huge },
  ]);
  const reply = await leaseOurs(broker, 10);
  assert.deepEqual(
    reply.tasks.map(({ id, message: bytes }) => [id, bytes?.length]),
    [['A', huge.length]],
  );
});

test('a leased message keeps no more memory alive than a small slab', async () => {
  await seed({});
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]);
  const { tasks } = await leaseOurs(broker);
  const held = tasks[0]?.message?.buffer.byteLength ?? Number.POSITIVE_INFINITY;
  assert.ok(held <= Buffer.poolSize, `${held} bytes`);
});

test('a pending_since that cannot be read, or lies ahead, gives no wrong waiting time', async () => {
  await seed({
    pending: ['A', 'B'],
    tasks: { A: pendingTask('A', '1.7e+18'), B: pendingTask('B', '9000000000000000000') },
  });
  const { tasks } = await leaseOurs(broker, 2);
  assert.deepEqual(
    tasks.map(({ id, waitedMs }) => [id, waitedMs]),
    [
      ['B', 0],
      ['A', undefined],
    ],
  );
});

test('a lease is extended; one that is over, or of no task, is told and not made again', async () => {
  const now = await earlyInSecond(client);
  const over = active(['B'], now - 5);
  const seeded = active(['A'], now + 5);
  await seed({
    active: ['A', 'B'],
    lease: { ...seeded.lease, ...over.lease },
    tasks: { ...seeded.tasks, ...over.tasks },
  });
  const reply = await extendOurs(broker, ['A', 'never', 'B']);
  assert.deepEqual(reply, { gone: ['never', 'B'], canceled: [] });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A', 'B'],
      lease: { A: now + 30, B: now - 5 },
      tasks: { ...active(['A'], now + 30).tasks, ...over.tasks },
    }),
  );
  assert.deepEqual(await extendOurs(broker, []), { gone: [], canceled: [] });
});

test('the lease length is kept in whole seconds and never longer than asked', async () => {
  const now = await earlyInSecond(client);
  await seed({ pending: ['A'], tasks: { A: pendingTask('A') } });
  await broker.lease({ queue: QUEUE, max: 1, leaseMs: 10_400, server: OWNER, firstRun: RUN });
  const lease = (await queueState(client, QUEUE)).lease['A'] ?? 0;
  assert.ok(lease === now + 10 || lease === now + 11, `${lease - now}`);
  assert.ok(Number.isInteger(lease));
});

test('enqueue and lease in turns keep first in, first out', async () => {
  await seed({});
  const ids = Array.from({ length: 30 }, (_, i) => `task-${i}`);
  for (const taskId of ids) await broker.enqueue(QUEUE, [{ taskId, message: message(taskId) }]);
  const leased: string[] = [];
  for (let i = 0; i < 10; i++) {
    const { tasks } = await leaseOurs(broker, 3);
    leased.push(...tasks.map(({ id }) => id));
  }
  assert.deepEqual(leased, ids);
  assert.deepEqual(withoutPendingSince(await queueState(client, QUEUE)).pending, []);
});
