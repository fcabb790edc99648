/** Every script may reach Redis twice, or run without its reply being seen, and must run when Redis is full. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisReplyError, ReplyLostError } from '../../src/errors.ts';
import { QUEUES } from '../../src/wire/keys.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { until } from '../helpers/server.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { REPEATABLE_CALLS, type RepeatableCall } from './repeatable-calls.ts';
import { leaseOurs, message, QUEUE, useBroker } from './tasks.ts';

const { broker, client, redis, seed } = await useBroker();
const proxy = await swallowingProxy(redis.socket);
after(() => proxy.close());
const unlucky = createRedisBroker({ redis: proxy.url, connectTimeoutMs: 5_000 });
after(() => unlucky.close());

/** All that is in Redis, with instants as seconds from now; messages that hold one by their length. */
async function everything(now: number): Promise<string> {
  const keys = (await client.keys('*')).sort();
  const entries = await Promise.all(keys.map(async (key) => [key, await valueOf(client, key)]));
  return JSON.stringify(entries, undefined, 1).replaceAll(
    /\b[12]\d{9}\b/g,
    (seconds) => `now${Number(seconds) - now}`,
  );
}

async function valueOf(from: Redis, key: string): Promise<unknown> {
  switch (await from.type(key)) {
    case 'string':
      return from.get(key);
    case 'list':
      return from.lrange(key, 0, -1);
    case 'set':
      return (await from.smembers(key)).sort();
    case 'zset':
      return from.zrange(key, '0', '-1', 'WITHSCORES');
    default: {
      const { msg: _bytes, pending_since: _instant, ...fields } = await from.hgetall(key);
      return [await from.hstrlen(key, 'msg'), Object.entries(fields).sort()];
    }
  }
}

/** `undefined` too. */
function asText(reply: unknown): string {
  return reply === undefined ? 'undefined' : JSON.stringify(reply);
}

async function prepare(call: RepeatableCall): Promise<number> {
  const now = await earlyInSecond(client);
  await seed(call.seed(now));
  await client.sadd(QUEUES, QUEUE); // as the enqueue of its tasks has
  return now;
}

/** What the call leaves where nothing goes wrong. Redis knows its script from then on. */
async function afterOne(call: RepeatableCall): Promise<string> {
  const now = await prepare(call);
  assert.equal(asText(await call.run(broker, now)), call.first);
  return everything(now);
}

for (const call of REPEATABLE_CALLS) {
  test(`${call.name} that is repeated after its reply was lost changes nothing more`, async () => {
    const wanted = await afterOne(call);
    await unlucky.ping();
    const now = await prepare(call);
    const { swallowed } = proxy;
    proxy.swallowReplies(call.asksFirst === true ? 1 : 0);
    const lost = assert.rejects(call.run(unlucky, now), ReplyLostError);
    await until(() => proxy.swallowed > swallowed);
    await client.ping(); // the rest of what came with it has been carried out as well
    proxy.cut();
    await lost;
    proxy.passReplies();
    assert.equal(await everything(now), wanted, 'it was carried out');
    assert.equal(asText(await call.run(unlucky, now)), call.again);
    assert.equal(await everything(now), wanted);
  });

  test(`${call.name} does the same when Redis is full`, async () => {
    const wanted = await afterOne(call);
    const now = await prepare(call);
    await client.config('SET', 'maxmemory', '1');
    const [reply] = await Promise.allSettled([call.run(broker, now)]);
    await client.config('SET', 'maxmemory', '0');
    assert.ok(reply.status === 'fulfilled', String(reply.status === 'rejected' && reply.reason));
    assert.equal(asText(reply.value), call.first);
    assert.equal(await everything(now), wanted);
  });
}

test('enqueue and lease are refused when Redis is full, and so is a write on trial', async () => {
  await seed({ pending: ['A'], tasks: { A: { msg: message('A'), state: 'pending' } } });
  await broker.tryWrite([QUEUE]);
  await client.config('SET', 'maxmemory', '1');
  const results = await Promise.allSettled([
    broker.enqueue(QUEUE, [{ taskId: 'B', message: message('B') }]),
    leaseOurs(broker),
    broker.tryWrite([QUEUE]),
  ]);
  await client.config('SET', 'maxmemory', '0');
  for (const result of results) {
    assert.ok(result.status === 'rejected' && result.reason instanceof RedisReplyError);
    assert.match(result.reason.message, /OOM/);
  }
  assert.deepEqual(await client.lrange(`asynq:{${QUEUE}}:pending`, 0, -1), ['A']);
  assert.deepEqual((await client.keys('*nothing*')).length, 0);
});
