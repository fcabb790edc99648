import assert from 'node:assert/strict';
import type { Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import {
  BEGUN_FIELD,
  CRASHES_FIELD,
  LEASE_FIELD,
  RETURNS_FIELD,
  SUSPECT_FIELD,
} from '../../src/wire/task-fields.ts';
import { queueState, type QueueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { everyKind, goTakesOver } from './owner-tasks.ts';
import {
  extendOurs,
  held,
  leasedBy,
  leaseOurs,
  message,
  nobodys,
  OWNER,
  QUEUE,
  RUN,
  settleOurs,
  useBroker,
} from './tasks.ts';

const { at, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

/** Tasks of two owners, and one that nobody's name is on. */
function twoOwners(leaseAt: number): Partial<QueueState> {
  const ours = held(['A', 'B'], { leaseAt });
  const theirs = held(['C'], { owner: 'them', leaseAt });
  const goes = nobodys(['D'], leaseAt);
  return {
    active: ['A', 'C', 'D', 'B'],
    lease: { ...ours.lease, ...theirs.lease, ...goes.lease },
    tasks: { ...ours.tasks, ...theirs.tasks, ...goes.tasks },
  };
}

test('the tasks that an owner holds are listed with their messages and what deaths left, and nothing changes', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed(twoOwners(leaseAt));
  await client.hset(keys.task('B'), CRASHES_FIELD, '2', SUSPECT_FIELD, '1');
  await client.hset(keys.task('B'), BEGUN_FIELD, '1', RETURNS_FIELD, '3');
  const before = await queueState(client, QUEUE);
  const found = await broker.heldTasks(QUEUE, OWNER);
  const plain = (id: string): object => ({ id, server: OWNER, run: RUN, message: message(id) });
  assert.deepEqual(
    found.map((task) => ({ ...task, message: Buffer.from(task.message ?? []) })),
    [
      { ...plain('A'), hasBegun: false, returns: 0, crashes: 0, isSuspect: false },
      { ...plain('B'), hasBegun: true, returns: 3, crashes: 2, isSuspect: true },
    ],
  );
  assert.equal(found[0]?.message?.buffer.byteLength, message('A').length, 'owns its memory');
  assert.deepEqual(await queueState(client, QUEUE), before);
  assert.deepEqual(await broker.heldTasks(QUEUE, 'nobody'), []);
});

test('a task with an ID that occurs twice in active is listed once', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed({ ...held(['A'], { leaseAt }), active: ['A', 'A'] });
  assert.equal((await broker.heldTasks(QUEUE, OWNER)).length, 1);
});

test('the few tasks of one owner are found among 10,000 of others', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  const others = Array.from({ length: 10_000 }, (_, i) => `other-${i}`);
  await seed(held(others, { owner: 'them', leaseAt }));
  // At both ends, and on both sides of a chunk's border.
  const ours = ['first', 'border-1', 'border-2', 'last'];
  await client.lpush(keys.active, 'first');
  await client.linsert(keys.active, 'BEFORE', 'other-998', 'border-1');
  await client.linsert(keys.active, 'AFTER', 'border-1', 'border-2');
  await client.rpush(keys.active, 'last');
  assert.deepEqual(await client.lrange(keys.active, 999, 1000), ['border-1', 'border-2']);
  for (const id of ours) {
    await client.hset(keys.task(id), { ...leasedBy(OWNER, leaseAt), msg: message(id) });
    await client.zadd(keys.lease, leaseAt, id);
  }
  const found = await broker.heldTasks(QUEUE, OWNER);
  assert.deepEqual(
    found.map(({ id }) => id),
    ours,
  );
});

test('what has no hash, no lease, no message or no text for an ID does not spoil the list', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed({ ...held(['A', 'no-lease'], { leaseAt }), lease: { A: leaseAt, empty: leaseAt } });
  const odd = Buffer.from([0x61, 0xff]);
  const oddTask = Buffer.concat([Buffer.from(keys.taskPrefix), odd]);
  await client.rpush(keys.active, 'no-hash', 'a-list', odd, 'empty');
  await client.zadd(keys.lease, leaseAt, 'no-hash', leaseAt, 'a-list', leaseAt, odd);
  await client.rpush(keys.task('a-list'), 'of another type');
  for (const task of [oddTask, keys.task('empty')]) {
    await client.hset(task, leasedBy(OWNER, leaseAt));
  }
  assert.deepEqual(
    (await broker.heldTasks(QUEUE, OWNER)).map(({ id, message: bytes }) => [
      id,
      bytes !== undefined,
    ]),
    [
      ['A', true],
      ['empty', false],
    ],
  );
});

for (const settlement of everyKind) {
  test(`${settlement.kind} for a dead owner touches its own task only`, async () => {
    const leaseAt = (await earlyInSecond(client)) + 30;
    for (const owner of ['them', 'nobody']) {
      await seed(twoOwners(leaseAt));
      const before = await queueState(client, QUEUE);
      assert.deepEqual(await settleOurs(broker, [settlement], owner), ['lost']);
      assert.deepEqual(await queueState(client, QUEUE), before);
    }
    await seed(twoOwners(leaseAt));
    assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
    const { tasks, active: others, lease } = await queueState(client, QUEUE);
    assert.deepEqual(
      [others, Object.keys(lease).sort()],
      [
        ['C', 'D', 'B'],
        ['B', 'C', 'D'],
      ],
    );
    const { A: _settled, ...untouched } = twoOwners(leaseAt).tasks ?? {};
    const { A: _ours, ...found } = tasks;
    assert.deepEqual(found, untouched);
  });

  test(`${settlement.kind} for a dead owner, of a task that a Go server runs by now, changes nothing`, async () => {
    const leaseAt = (await earlyInSecond(client)) + 30;
    await seed(held(['A'], { leaseAt: leaseAt - 90 }));
    await goTakesOver(client, 'A', leaseAt);
    const before = await queueState(client, QUEUE);
    const left = leasedBy(OWNER, leaseAt - 90)[LEASE_FIELD];
    assert.equal(before.tasks['A']?.[LEASE_FIELD], left, 'Go leaves the token behind');
    assert.deepEqual(await settleOurs(broker, [settlement]), ['lost']);
    assert.deepEqual(await queueState(client, QUEUE), before);
  });
}

test('a batch for a dead owner answers for each task in order', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed(twoOwners(leaseAt));
  const requeue = (id: string): Settlement => ({ kind: 'requeue', id });
  const replies = await settleOurs(broker, ['C', 'A', 'D', 'B', 'A'].map(requeue));
  assert.deepEqual(replies, ['lost', 'settled', 'lost', 'settled', 'lost']);
  assert.deepEqual((await queueState(client, QUEUE)).pending, ['A', 'B']);
  assert.deepEqual(await settleOurs(broker, []), []);
});

test('to settle for nobody touches no task, not even one without owner', async () => {
  await seed(twoOwners((await earlyInSecond(client)) + 30));
  const before = await queueState(client, QUEUE);
  for (const id of ['A', 'D']) {
    assert.deepEqual(await settleOurs(broker, [{ kind: 'requeue', id }], ''), ['lost']);
  }
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('an owner that wakes up late and extends does not get the task of a Go server back', async () => {
  const leaseAt = (await earlyInSecond(client)) + 20;
  await seed(held(['A'], { leaseAt: leaseAt - 90 }));
  await goTakesOver(client, 'A', leaseAt);
  const before = await queueState(client, QUEUE);
  assert.deepEqual((await extendOurs(broker, ['A'])).gone, ['A']);
  assert.deepEqual(await queueState(client, QUEUE), before);
  assert.deepEqual(await broker.heldTasks(QUEUE, OWNER), []);
});

test('a task that was extended is still held, however often', async () => {
  const now = await earlyInSecond(client);
  await seed({
    pending: ['A'],
    tasks: { A: { msg: message('A'), state: 'pending', own: 'x' } },
  });
  await leaseOurs(broker);
  for (const seconds of [5, 10]) await extendOurs(at(seconds), ['A']);
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A'],
      lease: { A: now + 40 },
      tasks: {
        A: { msg: message('A'), state: 'active', own: 'x', ...leasedBy(OWNER, now + 40) },
      },
    }),
  );
  assert.equal((await broker.heldTasks(QUEUE, OWNER)).length, 1);
});

test('a lease after that of a Go server is its new owner’s', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  await seed(held(['A'], { owner: 'them', leaseAt: leaseAt - 90 }));
  await goTakesOver(client, 'A', leaseAt);
  // As a Go server that shuts down (protocol 9.4).
  await client
    .multi()
    .lrem(keys.active, 0, 'A')
    .zrem(keys.lease, 'A')
    .rpush(keys.pending, 'A')
    .hset(keys.task('A'), 'state', 'pending')
    .exec();
  await leaseOurs(broker);
  assert.deepEqual(await broker.heldTasks(QUEUE, 'them'), []);
  assert.equal((await broker.heldTasks(QUEUE, OWNER)).length, 1);
});
