import assert from 'node:assert/strict';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { CANCEL_FIELD } from '../../src/wire/task-fields.ts';
import { queueState, type QueueState, state, type TaskFields } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import {
  active,
  extendOurs,
  held,
  leasedBy,
  leaseOurs,
  message,
  OWNER,
  QUEUE,
  useBroker,
} from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const CANCELED: TaskFields = { [CANCEL_FIELD]: '1' };

/** One active task in each of these queues, all with the same ID, on an otherwise empty Redis. */
async function seedQueues(...queues: string[]): Promise<void> {
  await seed({});
  for (const queue of queues) {
    await broker.enqueue(queue, [{ taskId: 'A', message: message('A') }]);
    await leaseOurs(broker, 1, queue);
  }
}

test('a mark reaches the active tasks of an ID in all queues, and touches nothing else', async () => {
  await seedQueues('a', 'b');
  const before = await queueState(client, 'a');
  await broker.enqueue('b', [{ taskId: 'B', message: message('B') }]);
  await broker.enqueue('c', [{ taskId: 'A', message: message('A') }]);
  const others = [await queueState(client, 'c'), (await queueState(client, 'b')).tasks['B']];
  assert.equal(await broker.markCanceled('A'), 2);
  const after = await queueState(client, 'a');
  assert.deepEqual(after, { ...before, tasks: { A: { ...before.tasks['A'], ...CANCELED } } });
  assert.equal((await queueState(client, 'b')).tasks['A']?.[CANCEL_FIELD], '1');
  assert.deepEqual(
    [await queueState(client, 'c'), (await queueState(client, 'b')).tasks['B']],
    others,
  );
  assert.equal(await broker.markCanceled('A'), 2, 'twice does no harm');
  assert.equal(await broker.markCanceled('nobody'), 0);
});

test('only an active task that has a lease is marked', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  const states: Partial<QueueState>[] = [
    { ...active(['A'], leaseAt), lease: {} },
    { ...active(['A'], leaseAt), tasks: {} },
    { ...active(['A'], leaseAt), tasks: { A: { msg: message('A'), state: 'retry' } } },
    { retry: { A: leaseAt }, tasks: { A: { msg: message('A'), state: 'retry' } } },
    { completed: { A: leaseAt }, tasks: { A: { msg: message('A'), state: 'completed' } } },
  ];
  for (const parts of states) {
    await seed(parts);
    await client.sadd(QUEUES, QUEUE);
    const before = await queueState(client, QUEUE);
    assert.equal(await broker.markCanceled('A'), 0);
    assert.deepEqual(await queueState(client, QUEUE), before);
  }
});

test('keys of another type keep no task of another queue from being marked', async () => {
  await seedQueues('a', 'b', 'c');
  await client.set(queueKeys('b').lease, 'no set');
  await client.del(queueKeys('c').task('A'));
  await client.set(queueKeys('c').task('A'), 'no hash');
  assert.equal(await broker.markCanceled('A'), 1);
});

test('without any queue nothing is marked', async () => {
  await seed({});
  assert.equal(await broker.markCanceled('A'), 0);
  assert.deepEqual(await client.keys('*'), []);
});

test('an extension tells which of its tasks are to be canceled, each time, and changes only the lease', async () => {
  const now = await earlyInSecond(client);
  const marked = held(['A', 'B'], { leaseAt: now + 5, fields: CANCELED });
  const ours = held(['C'], { leaseAt: now + 5 });
  await seed({
    active: ['A', 'C'],
    lease: { A: now + 5, C: now + 5 },
    tasks: { ...marked.tasks, ...ours.tasks },
  });
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await extendOurs(broker, ['B', 'C', 'A']), {
      gone: ['B'],
      canceled: ['A'],
    });
  }
  const plain = (id: string): TaskFields => ({ msg: message(id), state: 'active' });
  assert.deepEqual(
    await queueState(client, QUEUE),
    state({
      active: ['A', 'C'],
      lease: { A: now + 30, C: now + 30 },
      tasks: {
        A: { ...plain('A'), ...CANCELED, ...leasedBy(OWNER, now + 30) },
        B: { ...plain('B'), ...CANCELED, ...leasedBy(OWNER, now + 5) },
        C: { ...plain('C'), ...leasedBy(OWNER, now + 30) },
      },
    }),
  );
});

test('an extension makes no hash where there is none, and minds no key of another type', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...active(['A'], now + 5), tasks: {} });
  await client.zadd(keys.lease, now + 5, 'odd');
  await client.set(keys.task('odd'), 'no hash');
  const reply = await extendOurs(broker, ['A', 'odd']);
  assert.deepEqual(reply, { gone: ['A', 'odd'], canceled: [] });
  assert.equal(await client.exists(keys.task('A')), 0);
  assert.deepEqual((await client.zrange(keys.lease, '0', '-1', 'WITHSCORES')).map(String), [
    'A',
    `${now + 5}`,
    'odd',
    `${now + 5}`,
  ]);
});
