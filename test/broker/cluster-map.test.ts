import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClusterMap, readRedirect, slotOf, splitServer } from '../../src/broker/cluster-map.ts';
import { queueKeys } from '../../src/wire/keys.ts';

test('all keys of a queue have one slot, that of its name', () => {
  const { pending, lease, task } = queueKeys('default');
  assert.equal(slotOf('foo'), 12_182); // an example of the Cluster specification
  assert.deepEqual(new Set([pending, lease, task('x')].map(slotOf)), new Set([slotOf('default')]));
});

const [a, b] = [Buffer.from('10.0.0.1'), Buffer.from('10.0.0.2')];

test('the slots are read with their masters, and the replicas are known too', () => {
  const reply = [
    [0, 2, [a, 7000, 'id'], [b, 7001, 'id']],
    [4, 4, [b, 7002, 'id']],
  ];
  const { owners, servers } = readClusterMap(reply, 'seed:1');
  const [first, second] = ['10.0.0.1:7000', '10.0.0.2:7002'];
  assert.deepEqual(Array.from(owners), [first, first, first, undefined, second]);
  assert.deepEqual(servers, [first, '10.0.0.2:7001', second]);
});

test('a server that does not know its host is where it was asked', () => {
  for (const host of [null, '', '?']) {
    assert.deepEqual(readClusterMap([[0, 0, [host, 7000]]], '::1:1').owners, ['::1:7000']);
  }
});

test('redirections are read', () => {
  const read = (text: string): unknown => readRedirect(text, 'seed:1');
  assert.deepEqual(read('MOVED 5 10.0.0.1:7000'), {
    kind: 'moved',
    slot: 5,
    server: '10.0.0.1:7000',
  });
  assert.deepEqual(read('ASK 5 ::1:7000'), { kind: 'ask', slot: 5, server: '::1:7000' });
  assert.deepEqual(read('MOVED 5 :7000'), { kind: 'moved', slot: 5, server: 'seed:7000' });
  assert.equal(read('ERR MOVED 5 10.0.0.1:7000'), undefined);
  assert.equal(read('MOVED __proto__ 10.0.0.1:7000'), undefined);
});

test('addresses are translated to those that we can reach', () => {
  const table = { '10.0.0.1:7000': { host: 'h1', port: 1 } };
  for (const natMap of [table, (name: string) => (name in table ? table['10.0.0.1:7000'] : null)]) {
    const { owners } = readClusterMap(
      [
        [0, 0, [a, 7000]],
        [1, 1, [b, 7000]],
      ],
      'seed:1',
      natMap,
    );
    assert.deepEqual(owners, ['h1:1', '10.0.0.2:7000']);
    assert.equal(readRedirect('ASK 5 10.0.0.1:7000', 'seed:1', natMap)?.server, 'h1:1');
  }
});

test('an IPv6 address is told from its port', () => {
  assert.deepEqual(splitServer('::1:7000'), { host: '::1', port: 7000 });
});
