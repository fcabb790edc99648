import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUrl } from '../../src/broker/redis-url.ts';
import { redactRedisUrl } from '../../src/config/redact.ts';
import { InvalidOptionsError } from '../../src/errors.ts';

const home = { host: 'localhost', port: 6379, db: 0 };
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
];
for (const [url, options] of forms) {
  test(`${url} is read`, () => assert.deepEqual(parseRedisUrl(url), options));
}

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
];
for (const url of refused) {
  test(`${JSON.stringify(url)} is refused with the forms that are accepted`, () => {
    assert.throws(
      () => parseRedisUrl(url),
      (error) => error instanceof InvalidOptionsError && /redis-socket:/.test(error.message),
    );
  });
}

for (const url of ['redis-sentinel://h1:26379,h2:26379?master=m', 'redis-cluster://h1']) {
  test(`${url} is refused with the way that works`, () => {
    assert.throws(() => parseRedisUrl(url), /Sentinel pass ioredis options/);
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
];
for (const url of withSecrets) {
  test(`the password in ${url} is not shown when it is refused`, () => {
    assert.doesNotMatch(redactRedisUrl(url), /hunter2/);
    assert.throws(
      () => parseRedisUrl(url),
      (error) =>
        error instanceof InvalidOptionsError &&
        !JSON.stringify(error).includes('hunter2') &&
        !String(error).includes('hunter2'),
    );
  });
}
