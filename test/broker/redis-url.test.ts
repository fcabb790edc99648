import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClusterUrl, parseRedisUrl } from '../../src/broker/redis-url.ts';
import { redactRedisUrl } from '../../src/config/redact.ts';
import { InvalidOptionsError } from '../../src/errors.ts';

const home = { host: 'localhost', port: 6379, db: 0 };
const sentinel = (host: string, port: number): object => ({ host, port });
const forms: readonly (readonly [string, object])[] = [
  ['redis://localhost', home],
  ['redis://localhost/', home],
  ['redis://', home],
  ['REDIS://localhost:6379', home],
  ['redis://127.0.0.1:7000/3', { host: '127.0.0.1', port: 7000, db: 3 }],
  ['redis://[::1]:6380', { host: '::1', port: 6380, db: 0 }],
  ['redis://:secret@localhost', { ...home, password: 'secret' }],
  ['redis://user:secret@localhost', { ...home, username: 'user', password: 'secret' }],
  ['redis://user@localhost', home],
  ['redis://:a%40b%2Fc%25@localhost', { ...home, password: 'a@b/c%' }],
  ['rediss://example.com', { ...home, host: 'example.com', tls: { servername: 'example.com' } }],
  [
    'rediss://user:pw@example.com:6380/1',
    {
      host: 'example.com',
      port: 6380,
      db: 1,
      username: 'user',
      password: 'pw',
      tls: { servername: 'example.com' },
    },
  ],
  ['rediss://10.0.0.1', { ...home, host: '10.0.0.1', tls: {} }],
  ['redis-socket:///run/redis.sock', { path: '/run/redis.sock', db: 0 }],
  ['redis-socket:///run/redis.sock?db=2', { path: '/run/redis.sock', db: 2 }],
  ['redis-socket://:pw@/run/redis.sock', { path: '/run/redis.sock', db: 0, password: 'pw' }],
  ['redis-socket:///with%20space/r.sock', { path: '/with space/r.sock', db: 0 }],
  ['unix:///run/redis.sock', { path: '/run/redis.sock', db: 0 }],
  ['unix:/run/redis.sock?db=1', { path: '/run/redis.sock', db: 1 }],
  [
    'redis-socket://user:p%40w@/run/redis.sock',
    { path: '/run/redis.sock', db: 0, username: 'user', password: 'p@w' },
  ],
  [
    'redis-sentinel://h1,h2:5000?master=m',
    { sentinels: [sentinel('h1', 26_379), sentinel('h2', 5000)], name: 'm', db: 0 },
  ],
  [
    'REDIS-SENTINEL://[::1]:5000,10.0.0.1/3?master=my%20m',
    { sentinels: [sentinel('::1', 5000), sentinel('10.0.0.1', 26_379)], name: 'my m', db: 3 },
  ],
  [
    'redis-sentinel://:look@h1/?master=m',
    { sentinels: [sentinel('h1', 26_379)], name: 'm', db: 0, sentinelPassword: 'look' },
  ],
  [
    'rediss-sentinel://watcher:look@h1?username=user&password=p%40%26w&master=m',
    {
      sentinels: [sentinel('h1', 26_379)],
      name: 'm',
      db: 0,
      username: 'user',
      password: 'p@&w',
      sentinelUsername: 'watcher',
      sentinelPassword: 'look',
      tls: {},
      sentinelTLS: {},
      enableTLSForSentinelMode: true,
    },
  ],
];
for (const [url, options] of forms) {
  test(`${url} is read`, () => assert.deepEqual(parseRedisUrl(url), options));
}

const clusters: readonly (readonly [string, object])[] = [
  ['redis-cluster://h1', { seeds: ['h1:6379'], options: {} }],
  ['redis-cluster://h1:7000,[::1]:7001/', { seeds: ['h1:7000', '::1:7001'], options: {} }],
  ['redis-cluster://:a%40b@h1/0', { seeds: ['h1:6379'], options: { password: 'a@b' } }],
  [
    'rediss-cluster://user:pw@h1,h2',
    { seeds: ['h1:6379', 'h2:6379'], options: { username: 'user', password: 'pw', tls: {} } },
  ],
];
for (const [url, target] of clusters) {
  test(`${url} is read`, () => assert.deepEqual(parseClusterUrl(url), target));
}

test('what is no Cluster is left to the other forms', () => {
  assert.equal(parseClusterUrl('redis://h1'), undefined);
  assert.equal(parseClusterUrl('redis-sentinel://h1?master=m'), undefined);
});

const refused = [
  '',
  'localhost',
  'localhost:6379',
  '127.0.0.1:6379',
  '/run/redis.sock',
  'http://localhost:6379',
  'redis://localhost:99999',
  'redis://localhost:port',
  'redis://localhost/one',
  'redis://localhost/-1',
  'redis://localhost/0/1',
  'redis://localhost?db=1',
  'redis://localhost?family=6',
  'redis://localhost#1',
  'redis-socket://relative/redis.sock',
  'redis-socket://',
  'redis-socket:///run/redis.sock?db=x',
  'redis-socket:///run/redis.sock?database=1',
  'redis://:%zz@localhost',
  'redis-sentinel://h1:26379',
  'redis-sentinel://h1?master=',
  'redis-sentinel://?master=m',
  'redis-sentinel://h1,,h2?master=m',
  'redis-sentinel://h1:x?master=m',
  'redis-sentinel://h1:99999?master=m',
  'redis-sentinel://h1/one?master=m',
  'redis-sentinel://h1?master=m&name=x',
  'redis-sentinel://:%zz@h1?master=m',
  'redis-cluster://',
  'redis-cluster://h1/1',
  'redis-cluster://h1?master=m',
  'redis-cluster://h1 ,h2',
  'redis-cluster://h1#x',
];
for (const url of refused) {
  test(`${JSON.stringify(url)} is refused with the forms that are accepted`, () => {
    assert.throws(
      () => parseClusterUrl(url) ?? parseRedisUrl(url),
      (error) => error instanceof InvalidOptionsError && /redis-socket:/.test(error.message),
    );
  });
}

const withSecrets = [
  'redis://:hunter2@localhost/x',
  'redis://user:hunter2@localhost:x',
  'redis://:hun/hunter2@localhost',
  'redis://:hun#hunter2@localhost',
  'redis://:hun?hunter2@localhost',
  'redis://:hun@hunter2@localhost/x',
  'redis-sentinel://:hunter2@localhost',
  'user:hunter2@localhost',
  'redis-sentinel://h1?name=m&password=hunter2',
  'redis-sentinel://h1?name=m&username=hunter2',
  'redis-cluster://user:hunter2@h1/1',
];
for (const url of withSecrets) {
  test(`the password in ${url} is not shown when it is refused`, () => {
    assert.doesNotMatch(redactRedisUrl(url), /hunter2/);
    assert.throws(
      () => parseClusterUrl(url) ?? parseRedisUrl(url),
      (error) =>
        error instanceof InvalidOptionsError &&
        !JSON.stringify(error).includes('hunter2') &&
        !String(error).includes('hunter2'),
    );
  });
}
