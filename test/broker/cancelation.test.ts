import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisUnreachableError } from '../../src/errors.ts';
import { useBroker } from './tasks.ts';

const { broker, client, redis } = await useBroker();

async function subscribers(): Promise<number> {
  const [, count] = (await client.pubsub('NUMSUB', 'asynq:cancel')) as [string, number];
  return count;
}

/** Awaits a number of subscribers, which Redis does not announce. */
async function untilSubscribers(count: number): Promise<void> {
  while ((await subscribers()) !== count) await new Promise(setImmediate);
}

test('a cancel request reaches every listener until it stops listening', async () => {
  const heard = new EventEmitter();
  const stopFirst = await broker.subscribeCancel((id) => heard.emit('first', id));
  const stopSecond = await broker.subscribeCancel((id) => heard.emit('second', id));
  const both = Promise.all([once(heard, 'first'), once(heard, 'second')]);
  await broker.publishCancel('täsk:1');
  assert.deepEqual(await both, [['täsk:1'], ['täsk:1']]);

  await stopFirst();
  heard.on('first', () => assert.fail('it stopped listening'));
  const second = once(heard, 'second');
  await broker.publishCancel('2');
  assert.deepEqual(await second, ['2']);
  await stopSecond();
  await untilSubscribers(0);
});

test('the command connection goes on with commands while it listens', async () => {
  const stop = await broker.subscribeCancel(() => undefined);
  await broker.ping();
  await stop();
});

test('a listener hears again after Redis was away, and after its connection was cut', async () => {
  const heard = new EventEmitter();
  const stop = await broker.subscribeCancel((id) => heard.emit('cancel', id));
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await untilSubscribers(1);
  await redis.kill();
  await redis.restart();
  await untilSubscribers(1);
  const cancel = once(heard, 'cancel');
  await broker.publishCancel('A');
  assert.deepEqual(await cancel, ['A']);
  await stop();
});

test('close() ends the subscriptions', async () => {
  const other = createRedisBroker({ redis: redis.url, connectTimeoutMs: 2000 });
  await other.subscribeCancel(() => undefined);
  await untilSubscribers(1);
  await other.close();
  await untilSubscribers(0);
});

test('a first subscription that fails leaves nothing open', async () => {
  const other = createRedisBroker({ redis: 'unix:///nowhere/redis.sock', connectTimeoutMs: 50 });
  await assert.rejects(
    other.subscribeCancel(() => undefined),
    RedisUnreachableError,
  );
  await other.close();
});

test('a subscription that is not allowed is refused', async () => {
  await client.call('ACL', 'SETUSER', 'deaf', 'on', '>pw', '~*', '+@all', 'resetchannels');
  const deaf = createRedisBroker({
    redis: { path: redis.socket, username: 'deaf', password: 'pw' },
    connectTimeoutMs: 2000,
  });
  await assert.rejects(
    deaf.subscribeCancel(() => undefined),
    /NOPERM/,
  );
  await deaf.close();
});
