import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisUnreachableError } from '../../src/errors.ts';
import { useRedis } from '../helpers/redis.ts';

const redis = await useRedis({ args: ['--databases', '4'] });

test('the database of the URL is used', async () => {
  const broker = createRedisBroker({ redis: `${redis.url}?db=3`, connectTimeoutMs: 5_000 });
  after(() => broker.close());
  await broker.enqueue('q', [{ taskId: 'id', message: new Uint8Array([1]) }]);
  assert.equal(await redis.client.dbsize(), 0);
  await redis.client.select(3);
  assert.ok((await redis.client.dbsize()) > 0);
  await redis.client.flushall();
  await redis.client.select(0);
});

test('a database that Redis refuses is an error, and nothing goes to another one', async () => {
  const broker = createRedisBroker({ redis: `${redis.url}?db=9`, connectTimeoutMs: 2_000 });
  after(() => broker.close());
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await assert.rejects(
      broker.enqueue('q', [{ taskId: 'id', message: new Uint8Array([1]) }]),
      (error) => {
        assert.ok(error instanceof RedisUnreachableError, String(error));
        assert.match(String(error.cause), /DB index is out of range/);
        return true;
      },
    );
  }
  assert.equal(broker.isConnected(), false);
  assert.equal(await redis.client.dbsize(), 0);
});
