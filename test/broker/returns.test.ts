import assert from 'node:assert/strict';
import type { LostRun, Settlement } from '../../src/broker/broker.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { CRASHES_FIELD, RETURNS_FIELD, SUSPECT_FIELD } from '../../src/wire/task-fields.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { bytesOf, failed } from './owner-tasks.ts';
import { active, held, leasedBy, leaseOurs, OWNER, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

async function field(id: string, name: string): Promise<string | undefined> {
  return (await client.hget(keys.task(id), name)) ?? undefined;
}

/** Gives A back as a recoverer does that finds it unbegun, and leases it again. */
async function returnOnce(): Promise<void> {
  const settlement = { kind: 'requeue', id: 'A', mark: 'return' } as const;
  assert.deepEqual(await settleOurs(broker, [settlement]), ['settled']);
  await leaseOurs(broker);
}

test('returns are counted over leases, and told to who finds the task lost', async () => {
  await seed(active(['A'], (await earlyInSecond(client)) + 30));
  for (let times = 1; times <= 7; times++) {
    await returnOnce();
    assert.equal(await field('A', RETURNS_FIELD), `${times}`);
    const [task] = await broker.heldTasks(QUEUE, OWNER);
    assert.deepEqual([task?.returns, task?.hasBegun], [times, false]);
  }
  const leaseAt = Number(await client.zscore(keys.lease, 'A'));
  const facts = ([task]: readonly LostRun[]): unknown[] => [task?.returns, task?.hasBegun];
  await client.zadd(keys.lease, leaseAt - 90, 'A');
  await client.hset(keys.task('A'), leasedBy(OWNER, leaseAt - 90));
  assert.deepEqual(facts(await broker.expiredLeases(QUEUE)), [7, false]);
  await client.zrem(keys.lease, 'A');
  assert.deepEqual(facts(await broker.unleased(QUEUE)), [7, false]);
});

test('returns that are no number count from one', async () => {
  const fields = { [RETURNS_FIELD]: 'often' };
  await seed(held(['A'], { leaseAt: (await earlyInSecond(client)) + 30, fields }));
  assert.equal((await broker.heldTasks(QUEUE, OWNER))[0]?.returns, 0);
  await returnOnce();
  assert.equal(await field('A', RETURNS_FIELD), '1');
});

const otherEnds: readonly Settlement[] = [
  { kind: 'requeue', id: 'A' },
  { kind: 'requeue', id: 'A', mark: 'crash' },
  { kind: 'requeue', id: 'A', mark: 'suspect' },
  { kind: 'retry', id: 'A', message: failed, delayMs: 0, counts: false },
];

for (const end of otherEnds) {
  const marked = 'mark' in end ? `${end.kind} marked as ${end.mark}` : `${end.kind} without mark`;
  test(`${marked} begins the count of returns anew`, async () => {
    await seed(active(['A'], (await earlyInSecond(client)) + 30));
    await returnOnce();
    await returnOnce();
    assert.deepEqual(await settleOurs(broker, [end]), ['settled']);
    assert.equal(await field('A', RETURNS_FIELD), undefined);
    await broker.forward(QUEUE);
    await leaseOurs(broker);
    await returnOnce();
    assert.equal(await field('A', RETURNS_FIELD), '1');
  });
}

test('a return leaves crashes and suspicion as they are', async () => {
  const fields = { [SUSPECT_FIELD]: '1', [CRASHES_FIELD]: '1' };
  await seed(held(['A'], { leaseAt: (await earlyInSecond(client)) + 30, fields }));
  await returnOnce();
  assert.deepEqual([await field('A', CRASHES_FIELD), await field('A', SUSPECT_FIELD)], ['1', '1']);
});

test('a return that is lost is not counted', async () => {
  await seed(active(['A'], (await earlyInSecond(client)) + 30));
  const settlement = { kind: 'requeue', id: 'A', mark: 'return' } as const;
  const before = await bytesOf(client);
  assert.deepEqual(await settleOurs(broker, [settlement], 'them'), ['lost']);
  assert.deepEqual(await bytesOf(client), before);
});

test('a lease that leaves returned tasks stops before one, which is next for another', async () => {
  await seed(active(['A', 'B', 'C'], (await earlyInSecond(client)) + 30));
  await settleOurs(broker, [
    { kind: 'requeue', id: 'C' },
    { kind: 'requeue', id: 'B', mark: 'return' },
    { kind: 'requeue', id: 'A' },
  ]);
  const call = { queue: QUEUE, leaseMs: 30_000, server: OWNER, leavesReturned: true };
  const take = async (max: number, leavesReturned: boolean): Promise<unknown> => {
    const reply = await broker.lease({ ...call, max, firstRun: 50, leavesReturned });
    return [reply.tasks.map(({ id }) => id).join(''), reply.isReturnedNext === true, reply.more];
  };
  assert.deepEqual(await take(3, true), ['A', true, true]);
  assert.deepEqual(await client.lrange(keys.pending, 0, -1), ['C', 'B']);
  assert.deepEqual(await take(3, true), ['', true, true]);
  assert.deepEqual(await client.lrange(keys.active, 0, -1), ['A']);
  assert.equal(await client.hexists(keys.task('B'), 'threadmill_lease'), 0);
  assert.deepEqual(await take(1, false), ['B', false, true]);
  assert.deepEqual(await take(3, true), ['C', false, false]);
});
