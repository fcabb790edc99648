/** Calls with one plain task, which the script carries out before it meets all else, and their repeats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import type { Broker, EnqueueEntry, EnqueueReply } from '../../src/broker/broker.ts';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { wholeRedis } from '../helpers/whole-redis.ts';
import { message, QUEUE, useBroker } from './tasks.ts';

const { redis, broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);
const entry = (taskId: string): EnqueueEntry => ({ taskId, message: message(taskId) });

/** A named call of slot 0. */
function send(
  entries: EnqueueEntry[],
  number: number,
  from: Broker = broker,
): Promise<EnqueueReply[]> {
  return from.enqueue(QUEUE, entries, { caller: 'us', slot: 0, number, withinMs: 2_000 });
}

/** As if they had been run. */
async function forget(...ids: string[]): Promise<void> {
  await client.del(keys.pending, ...ids.map((id) => keys.task(id)));
}

/** Everything but the names of the queues, which are written also for what is refused. */
async function stored(): Promise<Record<string, unknown>> {
  const { [QUEUES]: _names, ...all } = await wholeRedis(client);
  return all;
}

test('a plain task leaves the same whether it comes alone or with others, named or not', async () => {
  const withoutInstants = async (): Promise<string> => {
    const keysAndValues = Object.entries(await stored());
    const tasks = keysAndValues.filter(([key]) => !key.includes('threadmill_calls'));
    return JSON.stringify(tasks).replaceAll(/\d{19}/g, '<ns>');
  };
  await seed({});
  await broker.enqueue(QUEUE, [entry('A'), entry('B')]);
  const together = await withoutInstants();
  await seed({});
  await broker.enqueue(QUEUE, [entry('A')]);
  await send([entry('B')], 1);
  assert.equal(await withoutInstants(), together);
});

test('a repeat gets the answer of its call, whatever that was and however large the numbers are', async () => {
  await seed({});
  for (const number of [9, 10, 999, 1_000, 4_000_000_000]) {
    const first = await send([entry('A')], number);
    assert.equal(first[0]?.status, 'pending');
    await forget('A');
    assert.deepEqual(await send([entry('A')], number), first);
    await send([entry('B')], number, broker); // another task under the same name: a repeat all the same
    assert.equal(await client.exists(keys.pending), 0);
  }
  await broker.enqueue(QUEUE, [entry('A')]);
  const conflict = await send([entry('A')], 4_000_000_001);
  await forget('A');
  assert.deepEqual(await send([entry('A')], 4_000_000_001), conflict);
  assert.equal(await client.exists(keys.task('A')), 0);
});

test('a call that comes after a later one of its slot takes nothing from that one', async () => {
  await seed({});
  const late = await send([entry('B')], 2);
  await forget('B');
  await assert.rejects(send([entry('A')], 1), /STALE/);
  assert.deepEqual(await send([entry('B')], 2), late);
  assert.equal(await client.exists(keys.pending, keys.task('A'), keys.task('B')), 0);
});

test('one task of a larger call is answered as that was, and only that task', async () => {
  for (const answers of [
    ['pending', 'pending'],
    ['conflict', 'pending'],
  ]) {
    await seed({});
    if (answers[0] === 'conflict') await broker.enqueue(QUEUE, [entry('A')]);
    const whole = await send([entry('A'), entry('B')], 1);
    assert.deepEqual(
      whole.map(({ status }) => status),
      answers,
    );
    await forget('A', 'B');
    for (const place of [1, 2]) {
      const name = { caller: 'us', slot: 0, number: 1, place, withinMs: 2_000 };
      const id = place === 1 ? 'A' : 'B';
      assert.deepEqual(await broker.enqueue(QUEUE, [entry(id)], name), [whole[place - 1]]);
    }
    assert.equal(await client.exists(keys.pending), 0);
  }
});

test('a task that Redis refuses leaves nothing, and its repeat is no repeat', async () => {
  await seed({});
  await client.call('ACL', 'SETUSER', 'few', 'on', '>secret', '~*', '+@all', '-lpush');
  const url = redis.url.replace('//', '//few:secret@');
  const limited = createRedisBroker({ redis: url, connectTimeoutMs: 2_000 });
  const refusals: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['WRONGTYPE', () => client.set(keys.pending, 'no list'), () => client.del(keys.pending)],
    [
      'OOM',
      () => client.config('SET', 'maxmemory', '1'),
      () => client.config('SET', 'maxmemory', '0'),
    ],
    ["perm|can't run", () => Promise.resolve(), () => Promise.resolve()],
  ];
  try {
    let number = 1;
    for (const [word, spoil, mend] of refusals) {
      for (const earlier of [false, true]) {
        await seed({});
        number += 2;
        if (earlier) await send([entry('Z')], number - 1);
        await forget('Z');
        await spoil();
        const before = await stored();
        const from = word.startsWith('perm') ? limited : broker;
        await assert.rejects(send([entry('A')], number, from), new RegExp(word, 'i'));
        assert.deepEqual(await stored(), before, word);
        await mend();
        assert.equal((await send([entry('A')], number))[0]?.status, 'pending');
        assert.deepEqual(await client.lrange(keys.pending, 0, -1), ['A']);
      }
    }
  } finally {
    await limited.close();
  }
});

test('the answer to a call expires', async () => {
  await seed({});
  await send([entry('A')], 1);
  await send([entry('B'), entry('C')], 2);
  const [kept = '', ...more] = await client.keys('*threadmill_calls*');
  assert.deepEqual(more, []);
  const seconds = await client.ttl(kept);
  assert.ok(seconds > 290 && seconds <= 302, `${seconds} s`);
});

test('one plain task costs Redis no more than six commands in its script', async () => {
  await seed({});
  await send([entry('A')], 1);
  await client.config('RESETSTAT');
  await send([entry('B')], 2);
  const stats = await client.info('commandstats');
  const called = [...stats.matchAll(/^cmdstat_([^:]+):calls=1,/gm)].map(([, name]) => name);
  const own = ['evalsha', 'exists', 'hset', 'lpush', 'sadd', 'set', 'time'];
  assert.deepEqual(called.filter((name) => !name?.startsWith('config')).sort(), own);
});
