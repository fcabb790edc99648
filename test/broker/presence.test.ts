import assert from 'node:assert/strict';
import { SERVERS, serverKey, WORKERS, workersKey } from '../../src/wire/keys.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { useBroker } from './tasks.ts';

const { at, broker, client } = await useBroker();
const address = 'host:1:3a1f5f0e-0000-4000-8000-000000000001';
const info = Buffer.from([8, 255, 0, 10]);

test('a server shows itself with its running tasks for as long as it says', async () => {
  const now = await earlyInSecond(client);
  const workers = [
    { taskId: 'A', info: Buffer.from([1, 200]) },
    { taskId: 'B', info: Buffer.from([2]) },
  ];
  await broker.announce({ address, info, workers, ttlSeconds: 10 });
  assert.deepEqual(await client.zrange(SERVERS, '0', '-1', 'WITHSCORES'), [
    serverKey(address),
    `${now + 10}`,
  ]);
  assert.deepEqual(await client.zrange(WORKERS, '0', '-1', 'WITHSCORES'), [
    workersKey(address),
    `${now + 10}`,
  ]);
  assert.deepEqual(await client.getBuffer(serverKey(address)), info);
  assert.deepEqual(await client.hgetallBuffer(workersKey(address)), {
    A: workers[0]?.info,
    B: workers[1]?.info,
  });
  for (const key of [serverKey(address), workersKey(address)]) {
    const ttl = await client.ttl(key);
    assert.ok(ttl === 10 || ttl === 9, `${ttl}`);
  }
});

test('a later announcement replaces the former', async () => {
  await broker.announce({
    address,
    info: Buffer.from('x'),
    workers: [{ taskId: 'C', info }],
    ttlSeconds: 20,
  });
  assert.deepEqual(await client.hkeys(workersKey(address)), ['C']);
  assert.equal(await client.get(serverKey(address)), 'x');
  await broker.announce({ address, info, workers: [], ttlSeconds: 20 });
  assert.equal(await client.exists(workersKey(address)), 0);
});

test('the expiry in the lists comes from the clock of Redis, the keys live by their own', async () => {
  const now = await earlyInSecond(client);
  await at(500).announce({ address, info, workers: [], ttlSeconds: 10 });
  assert.equal(await client.zscore(SERVERS, serverKey(address)), `${now + 510}`);
});

test('a server that withdraws leaves nothing', async () => {
  await client.flushall();
  await broker.announce({ address, info, workers: [{ taskId: 'A', info }], ttlSeconds: 10 });
  await broker.announce({ address: 'other:2:x', info, workers: [], ttlSeconds: 10 });
  await broker.withdraw(address);
  assert.deepEqual((await client.keys('*')).sort(), [SERVERS, serverKey('other:2:x'), WORKERS]);
  assert.deepEqual(await client.zrange(SERVERS, '0', '-1'), [serverKey('other:2:x')]);
});
