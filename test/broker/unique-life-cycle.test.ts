/** What becomes of the lock of a unique task on its way (protocol 6.3), row by row; the inspector has its own tests. */
import assert from 'node:assert/strict';
import type { Broker, Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { failed } from './owner-tasks.ts';
import { leaseOurs, message, nobodys, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { broker, client, seed, at } = await useBroker();
const keys = queueKeys(QUEUE);
const LOCK = keys.unique('t', Buffer.from('x'));
const TTL = 600;

/** Who holds the lock, and for how long. */
async function lock(): Promise<[string | null, number]> {
  return [await client.get(LOCK), await client.ttl(LOCK)];
}

async function enqueueUnique(more: { when?: { in: number }; group?: string } = {}): Promise<void> {
  await seed({});
  const bytes = message('A', { uniqueKey: LOCK });
  const unique = { key: LOCK, seconds: TTL };
  await broker.enqueue(QUEUE, [{ taskId: 'A', message: bytes, unique, ...more }]);
}

async function leaseUnique(): Promise<void> {
  assert.equal((await leaseOurs(broker)).tasks.length, 1);
}

const retry = { kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: true } as const;
const archive = { kind: 'archive', id: 'A', message: failed } as const;
const complete = {
  kind: 'complete',
  id: 'A',
  uniqueKey: LOCK,
  message: failed,
  retentionSeconds: 9,
} as const;

const KEEPING: Readonly<Record<string, (() => Promise<unknown>)[]>> = {
  'a lease': [leaseUnique],
  'a requeue': [leaseUnique, () => settleOurs(broker, [{ kind: 'requeue', id: 'A' }])],
  'a retry': [leaseUnique, () => settleOurs(broker, [retry])],
  'a retry and its forward': [
    leaseUnique,
    () => settleOurs(broker, [retry]),
    () => broker.forward(QUEUE),
  ],
  'the archive': [leaseUnique, () => settleOurs(broker, [archive])],
};

for (const [name, steps] of Object.entries(KEEPING)) {
  test(`${name} leaves the lock with its task, and its time as it is`, async () => {
    await enqueueUnique();
    await client.expire(LOCK, 50);
    for (const step of steps) await step();
    const [holder, left] = await lock();
    assert.ok(holder === 'A' && left > 30 && left <= 50, `${holder}, ${left} s`);
    assert.equal(await client.exists(keys.task('A')), 1);
    await broker.enqueue(QUEUE, [
      { taskId: 'B', message: message('B'), unique: { key: LOCK, seconds: 9 } },
    ]);
    assert.equal(await client.exists(keys.task('B')), 0, 'a duplicate was stored');
  });
}

test('forwarding a scheduled task leaves the lock, its delay and its time', async () => {
  await earlyInSecond(client);
  await enqueueUnique({ when: { in: 59_000 } });
  assert.deepEqual(await lock(), ['A', TTL + 60]);
  assert.equal(await at(3600).forward(QUEUE), 1);
  assert.equal(await client.lindex(keys.pending, 0), 'A');
  assert.deepEqual(await lock(), ['A', TTL + 60]);
});

test('a recovered lease leaves the lock', async () => {
  const now = await earlyInSecond(client);
  await seed({ ...nobodys(['A'], now - 40), locks: { [LOCK]: 'A' } });
  const replies = await broker.settleExpired(QUEUE, [{ token: undefined, settlement: retry }]);
  assert.deepEqual(replies, ['settled']);
  assert.deepEqual(await lock(), ['A', -1]);
});

test('a task that is trimmed from the archive leaves its lock', async () => {
  const now = await earlyInSecond(client);
  await seed({
    ...nobodys(['A'], now + 30),
    archived: { Old: now - 91 * 86_400 },
    tasks: {
      A: { msg: message('A'), state: 'active', threadmill_lease: `us 7 ${now + 30}` },
      Old: { msg: message('Old'), state: 'archived', unique_key: LOCK },
    },
    locks: { [LOCK]: 'Old' },
  });
  assert.deepEqual(await settleOurs(broker, [archive]), ['settled']);
  assert.equal(await client.exists(keys.task('Old')), 0);
  assert.equal(await client.get(LOCK), 'Old');
});

const ENDS: readonly [string, Settlement][] = [
  ['success or revocation', { kind: 'done', id: 'A', uniqueKey: LOCK }],
  ['success with a retention', complete],
];

for (const [name, settlement] of ENDS) {
  test(`${name} releases the lock, so that the next one is stored`, async () => {
    await enqueueUnique();
    await leaseUnique();
    assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
    assert.deepEqual(await lock(), [null, -2]);
    const unique = { key: LOCK, seconds: 9 };
    const [reply] = await broker.enqueue(QUEUE, [{ taskId: 'B', message: message('B'), unique }]);
    assert.equal(reply?.status, 'pending');
  });

  test(`${name} leaves a lock that ran out and is another task’s by now`, async () => {
    await enqueueUnique();
    await leaseUnique();
    await client.set(LOCK, 'B', 'EX', 50);
    assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
    assert.deepEqual(await lock(), ['B', 50]);
  });
}

test('a completed task that the janitor deletes leaves a lock that was taken since', async () => {
  await enqueueUnique();
  await leaseUnique();
  await settleOurs(broker, [complete]);
  await client.set(LOCK, 'A', 'EX', 50);
  const later: Broker = at(3600);
  assert.equal(await later.expireCompleted(QUEUE), 1);
  assert.deepEqual(await lock(), ['A', 50]);
});
