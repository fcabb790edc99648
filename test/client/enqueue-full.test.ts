import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, RedisReplyError } from '../../src/index.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis();
const client = new Client({ redis: redis.url });
after(() => client.close());
const task = { type: 't', payload: { a: 1 } };

test('a Redis that is full refuses with a typed error that says what to do, and nothing is stored', async () => {
  await client.enqueue(task);
  await redis.client.flushall();
  await redis.client.config('SET', 'maxmemory', '1');
  const requests = [{ task }, { task, options: { processIn: '1h' } }];
  const one: unknown = await client.enqueue(task).catch((error: unknown) => error);
  const many = await client.enqueueMany(requests);
  await redis.client.config('SET', 'maxmemory', '0');
  for (const error of [one, ...many.map((result) => !result.ok && result.error)]) {
    assert.ok(error instanceof RedisReplyError, String(error));
    assert.equal(error.code, 'ERR_REDIS_REPLY');
    assert.match(error.message, /OOM .*; raise maxmemory/);
  }
  assert.deepEqual(await redis.client.keys('*'), []);
  await client.enqueue(task);
});
