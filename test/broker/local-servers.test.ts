import assert from 'node:assert/strict';
import { serverKey, SERVERS } from '../../src/wire/keys.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { held, OWNER, QUEUE, useBroker } from './tasks.ts';

const { broker, client, seed } = await useBroker();
const UUID = '0b8e6f3a-9d0c-4c55-8f0e-3a1f6c2d7e90';

/** Enters servers in the list of the fleet. */
async function list(...addresses: string[]): Promise<void> {
  await seed({});
  for (const address of addresses) await client.zadd(SERVERS, 9_999_999_999, serverKey(address));
}

test('the servers of one host are told from those of hosts whose names begin alike', async () => {
  const hosts = ['h', 'h1', 'h-1', 'h.example', 'H', 'xh', 'h:1', 'h:1:2', 'fe80::1', 'fe80:'];
  const addresses = hosts.flatMap((host) => [`${host}:10:${UUID}`, `${host}:11:b`]);
  await list(...addresses);
  for (const host of hosts) {
    assert.deepEqual(
      (await broker.localServers(host)).sort(),
      [`${host}:10:${UUID}`, `${host}:11:b`],
      host,
    );
  }
  for (const host of ['', 'fe80', 'h:10', 'h1:', 'nowhere', '[', '%', '.*']) {
    assert.deepEqual(await broker.localServers(host), [], host);
  }
});

test('a server is listed from its announcement until it withdraws', async () => {
  await seed({});
  assert.deepEqual(await broker.localServers('h'), []);
  const info = Buffer.from('x');
  await broker.announce({ address: `h:1:${UUID}`, info, workers: [], ttlSeconds: 10 });
  assert.deepEqual(await broker.localServers('h'), [`h:1:${UUID}`]);
  await broker.withdraw(`h:1:${UUID}`);
  assert.deepEqual(await broker.localServers('h'), []);
});

test('a server whose entry has ended is still listed, and what is no entry is not', async () => {
  await list(`h:1:${UUID}`);
  await client.zadd(SERVERS, 1, serverKey('h:2:gone'), 1, 'h:3:other', 1, `${SERVERS}:{h`);
  assert.deepEqual((await broker.localServers('h')).sort(), [`h:1:${UUID}`, 'h:2:gone']);
});

test('held tasks are found by the UUID of their server, whatever place follows it', async () => {
  const leaseAt = (await earlyInSecond(client)) + 30;
  const servers: Readonly<Record<string, string>> = {
    bare: UUID,
    placed: `${UUID}@1f.4026531836.12.345`,
    supervised: `${UUID}@1f.4026531836.12.345.6.78`,
    'odd-place': `${UUID}@`,
    longer: `${UUID}0`,
    'longer-place': `${UUID}-x@1f.4026531836.12.345`,
    shorter: UUID.slice(0, -1),
    'placed-elsewhere': `x@${UUID}`,
    ours: OWNER,
  };
  const parts = Object.entries(servers).map(([id, owner]) => held([id], { leaseAt, owner }));
  await seed({
    active: Object.keys(servers),
    lease: Object.assign({}, ...parts.map(({ lease }) => lease)),
    tasks: Object.assign({}, ...parts.map(({ tasks }) => tasks)),
  });
  const found = await broker.heldTasks(QUEUE, UUID);
  assert.deepEqual(
    Object.fromEntries(found.map(({ id, server }) => [id, server])),
    Object.fromEntries(
      ['bare', 'placed', 'supervised', 'odd-place'].map((id) => [id, servers[id]]),
    ),
  );
  assert.deepEqual(await broker.heldTasks(QUEUE, UUID.slice(0, -1) + '?'), []);
});
