import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker, LeadReply } from '../../src/broker/broker.ts';
import {
  SCHEDULE_LEASES,
  schedulerHistoryKey,
  schedulerKey,
  SCHEDULERS,
} from '../../src/wire/keys.ts';
import { enqueueEvent, schedulerEntry } from '../wire/golden.ts';
import { useBroker } from './tasks.ts';

const { broker, client, at } = await useBroker();

/** Claims for one scheduler. */
function lead(
  scheduler: string,
  claims: Record<string, { doneAt?: number; previousAt?: number }>,
  more: { broker?: Broker; leaseMs?: number } = {},
): Promise<LeadReply> {
  const list = Object.entries(claims).map(([entryId, known]) => ({ entryId, ...known }));
  return (more.broker ?? broker).lead({ scheduler, leaseMs: more.leaseMs ?? 10_000, claims: list });
}

async function whoLeads(entry: string): Promise<string | undefined> {
  return (await client.get(SCHEDULE_LEASES + entry))?.split(' ')[0];
}

test('who asks first leads, and nobody else before the lease is over', async () => {
  await client.flushall();
  const first = await lead('a', { x: {} });
  const [entry] = first.entries;
  assert.deepEqual(entry, { isLed: true, doneAt: first.now }); // a new entry has no ticks from before
  const second = await lead('b', { x: {} });
  assert.deepEqual(second.entries, [{ isLed: false, doneAt: first.now }]);
  assert.equal(await whoLeads('x'), 'a');

  const later = await lead('b', { x: {} }, { broker: at(10) });
  assert.deepEqual(later.entries, [{ isLed: true, doneAt: first.now, takenFrom: 'a' }]);
  assert.ok(later.now >= first.now + 10_000);
  assert.deepEqual((await lead('a', { x: {} }, { broker: at(10) })).entries[0]?.isLed, false);
});

test('a lead is renewed before and after its end by who had it, if nobody took it', async () => {
  await client.flushall();
  await lead('a', { x: {} });
  for (const seconds of [5, 14, 40]) {
    const [entry] = (await lead('a', { x: {} }, { broker: at(seconds) })).entries;
    assert.equal(entry?.isLed, true);
    assert.equal(entry?.takenFrom, undefined);
  }
});

test('a lead that is given back is free at once, and its former leader counts as alive', async () => {
  await client.flushall();
  await lead('a', { x: {} });
  assert.equal((await lead('b', { x: {} }, { leaseMs: 0 })).entries[0]?.isLed, false);
  assert.equal(await whoLeads('x'), 'a'); // only its leader can give it back
  await lead('a', { x: {} }, { leaseMs: 0 });
  const { entries } = await lead('b', { x: {} });
  assert.equal(entries[0]?.isLed, true);
  assert.equal(entries[0]?.takenFrom, undefined);
});

test('what is done and what came last only grows, and goes with the lead', async () => {
  await client.flushall();
  await lead('a', { x: { doneAt: 5_000, previousAt: 4_000 } });
  await lead('a', { x: { doneAt: 3_000, previousAt: 2_000 } });
  await lead('b', { x: { doneAt: 9_000, previousAt: 9_000 } }); // does not lead it
  const { entries } = await lead('b', { x: {} }, { broker: at(11) });
  assert.deepEqual(entries, [{ isLed: true, doneAt: 5_000, previousAt: 4_000, takenFrom: 'a' }]);
});

test('each entry is led by itself, in one call for hundreds of them', async () => {
  await client.flushall();
  await lead('b', { e700: {} });
  const claims = Object.fromEntries(Array.from({ length: 1_201 }, (_, i) => [`e${i}`, {}]));
  const { entries } = await lead('a', claims);
  assert.equal(entries.length, 1_201);
  assert.deepEqual(
    entries.flatMap(({ isLed }, i) => (isLed ? [] : [i])),
    [700],
  );
  const { now } = await lead('a', {});
  assert.ok(Math.abs(now - Date.now()) < 60_000);
});

test('an entry is remembered for 90 days, also where its key holds something else', async () => {
  await client.flushall();
  await client.lpush(`${SCHEDULE_LEASES}x`, 'y');
  await client.set(`${SCHEDULE_LEASES}z`, 'nonsense');
  const { entries } = await lead('a', { x: {}, z: {} });
  assert.deepEqual(
    entries.map(({ isLed }) => isLed),
    [true, true],
  );
  const ttl = await client.ttl(`${SCHEDULE_LEASES}x`);
  assert.ok(ttl > 89 * 86_400 && ttl <= 90 * 86_400);
});

test('a lead is kept though Redis is full', async () => {
  await client.flushall();
  await lead('a', { x: {} });
  await client.config('SET', 'maxmemory', '1mb');
  try {
    assert.equal((await lead('a', { x: {} })).entries[0]?.isLed, true);
  } finally {
    await client.config('SET', 'maxmemory', '0');
  }
});

test('the list of a scheduler is replaced, lives as long as it says, and goes when it is taken out', async () => {
  await client.flushall();
  const now = Number((await client.time())[0]);
  const entry = Buffer.from(schedulerEntry.hex, 'hex');
  const scheduler = 'host:1:uuid';
  const key = schedulerKey(scheduler);
  await broker.listSchedule({ scheduler, entries: [entry, entry], ttlSeconds: 20 });
  await broker.listSchedule({ scheduler, entries: [entry], ttlSeconds: 20 });
  assert.deepEqual(await client.lrangeBuffer(key, 0, -1), [entry]);
  const [listed, until] = await client.zrange(SCHEDULERS, '0', '-1', 'WITHSCORES');
  assert.equal(listed, key);
  const ahead = Number(until) - now;
  assert.ok(ahead >= 20 && ahead < 40, `${ahead}`); // a busy machine is slow
  assert.ok((await client.ttl(key)) > 18);
  await broker.unlistSchedule(scheduler);
  assert.deepEqual(await client.keys('*'), []);
});

test('the history of an entry keeps the newest thousand, and an event once', async () => {
  await client.flushall();
  const key = schedulerHistoryKey('x');
  const event = Buffer.from(enqueueEvent.hex, 'hex');
  const note = { entryId: 'x', at: 1_700_000_030_123, event, ttlSeconds: 1_000 };
  await broker.noteEnqueue(note);
  await broker.noteEnqueue(note);
  assert.deepEqual(await client.zrangeBuffer(key, '0', '-1'), [event]);
  assert.equal(await client.zscore(key, event), '1700000030');
  const ttl = await client.ttl(key);
  assert.ok(ttl > 990 && ttl <= 1_000);
  for (let i = 1; i <= 1_005; i++) {
    await broker.noteEnqueue({ ...note, at: note.at + i * 1_000, event: Buffer.from(`${i}`) });
  }
  assert.equal(await client.zcard(key), 1_000);
  assert.equal(String((await client.zrangeBuffer(key, '0', '0'))[0]), '6');
});
