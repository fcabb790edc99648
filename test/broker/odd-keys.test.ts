import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { active, leaseOurs, message, nobodys, QUEUE, settleOurs, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const keys = queueKeys(QUEUE);

/** Where the hash of task `odd` should be lies a text. */
async function seedWithOdd(parts: Parameters<typeof seed>[0]): Promise<void> {
  await seed(parts);
  await client.set(keys.task('odd'), 'no hash');
}

test('a due ID whose key is no hash keeps no other task from being forwarded', async () => {
  await seedWithOdd({
    scheduled: { A: 2 },
    tasks: { A: { msg: message('A'), state: 'scheduled' } },
  });
  await client.zadd(keys.scheduled, 1, 'odd');
  assert.equal(await broker.forward(QUEUE), 2);
  const { tasks, dropped } = await leaseOurs(broker, 10);
  assert.deepEqual([tasks.map(({ id }) => id), dropped], [['A'], ['odd']]);
});

test('an expired lease whose key is no hash is removed and hides no other', async () => {
  await seedWithOdd(nobodys(['A'], 2));
  await client.zadd(keys.lease, 1, 'odd');
  await client.lpush(keys.active, 'odd');
  assert.deepEqual(
    (await broker.expiredLeases(QUEUE)).map(({ id }) => id),
    ['A'],
  );
  assert.deepEqual(await client.zrange(keys.lease, '0', '-1'), ['A']);
  assert.deepEqual(await client.lrange(keys.active, 0, -1), ['A']);
});

test('a task whose key is no hash any more spoils no other transition of its batch', async () => {
  await seedWithOdd(active(['A', 'B'], 9_999_999_999));
  await client.zadd(keys.lease, 9_999_999_999, 'odd');
  await client.lpush(keys.active, 'odd');
  const replies = await settleOurs(broker, [
    { kind: 'requeue', id: 'A' },
    { kind: 'requeue', id: 'odd' },
    { kind: 'requeue', id: 'B' },
  ]);
  assert.deepEqual(replies, ['settled', 'lost', 'settled']);
});

test('an ID that is no UTF-8 is dropped, as no message could name it; every other text is not', async () => {
  const bad = [[0xff], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]];
  for (const bytes of bad) {
    const id = Buffer.from([0x61, ...bytes]);
    await seed({});
    await client.hset(Buffer.concat([Buffer.from(keys.taskPrefix), id]), 'msg', 'm');
    await client.lpush(keys.pending, id);
    assert.equal((await leaseOurs(broker)).dropped.length, 1, id.toString('hex'));
    await client.lpush(keys.active, id);
    await client.zadd(keys.lease, 1, id);
    assert.deepEqual(await broker.expiredLeases(QUEUE), []);
    assert.equal(await client.exists(keys.active, keys.lease), 0);
  }
  for (const id of ['plain', 'grüße', '日本', '😀', 'a\u0000b', '\u07ff\uffff']) {
    await seed({});
    await client.hset(keys.task(id), 'msg', 'm');
    await client.lpush(keys.pending, id);
    const { tasks } = await leaseOurs(broker);
    assert.deepEqual(
      tasks.map((task) => task.id),
      [id],
    );
  }
});
