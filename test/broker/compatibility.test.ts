import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFacts } from '../../src/broker/compatibility.ts';
import { UnsupportedRedisError } from '../../src/errors.ts';
import { useBroker } from './tasks.ts';

const { broker, client } = await useBroker();

const redis = (version: string): string =>
  `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\nos:Linux\r\n\n# Memory\r\nmaxmemory_policy:noeviction\r\n`;
const valkey = (version: string): string =>
  `# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:${version}\r\n`;

const supported = [
  { info: redis('6.2.0'), product: 'redis', version: '6.2.0' },
  { info: redis('6.2.14'), product: 'redis', version: '6.2.14' },
  { info: redis('7.0.15'), product: 'redis', version: '7.0.15' },
  { info: redis('7.4.1'), product: 'redis', version: '7.4.1' },
  { info: redis('8.0.0'), product: 'redis', version: '8.0.0' },
  { info: redis('10.1.0'), product: 'redis', version: '10.1.0' },
  { info: valkey('7.2.5'), product: 'valkey', version: '7.2.5' },
  { info: valkey('8.1.0'), product: 'valkey', version: '8.1.0' },
];
for (const { info, product, version } of supported) {
  test(`${product} ${version} is accepted`, () => {
    const facts = readFacts(info);
    assert.deepEqual([facts.product, facts.version], [product, version]);
  });
}

const unsupported = [
  { info: redis('6.0.16'), found: /redis 6\.0\.16/ },
  { info: redis('6.1.240'), found: /redis 6\.1\.240/ },
  { info: redis('5.0.14'), found: /redis 5\.0\.14/ },
  { info: valkey('7.1.0'), found: /valkey 7\.1\.0/ },
  { info: 'redis_version:6.2.11\r\ndragonfly_version:df-v1.9.0\r\n', found: /dragonfly df-v1/ },
  { info: 'redis_version:7.0.0\r\nkvrocks_version:2.8.0\r\n', found: /kvrocks 2\.8\.0/ },
  { info: 'redis_version:7.0.0\r\nserver_name:keydb\r\n', found: /keydb/ },
  { info: 'redis_version:unknown\r\n', found: /redis unknown/ },
  { info: 'hello', found: /names no version/ },
  { info: '', found: /names no version/ },
];
for (const { info, found } of unsupported) {
  test(`a server that answers ${JSON.stringify(info.slice(0, 60))} is refused`, () => {
    assert.throws(
      () => readFacts(info),
      (error) => error instanceof UnsupportedRedisError && found.test(error.message),
    );
  });
}

test('the eviction policy is told, also when it changes', async () => {
  assert.equal((await broker.check()).evictionPolicy, 'noeviction');
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  assert.equal((await broker.check()).evictionPolicy, 'allkeys-lru');
});

test('CONFIG may be forbidden', async () => {
  await client.call('ACL', 'SETUSER', 'default', '-config');
  const facts = await broker.check();
  await client.call('ACL', 'SETUSER', 'default', '+config');
  assert.equal(typeof facts.evictionPolicy, 'string');
});
