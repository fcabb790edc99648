import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import type { Broker } from '../../src/broker/broker.ts';
import type { RedisOption } from '../../src/broker/connection.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { RedisReplyError, RedisUnreachableError, ReplyLostError } from '../../src/errors.ts';
import { givenTimeOf, startGivenTime } from '../helpers/given-time.ts';
import { useRedis } from '../helpers/redis.ts';
import { leaseOurs, message, QUEUE } from './tasks.ts';

const redis = await useRedis();
const LIMIT = 1_500;

function open(option: RedisOption = redis.url, connectTimeoutMs = LIMIT): Broker {
  const broker = createRedisBroker({ redis: option, connectTimeoutMs });
  after(() => broker.close());
  return broker;
}

/** The next change of the connection to `isUp`. */
function change(broker: Broker, isUp: boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = broker.onConnectionChange((now) => {
      if (now !== isUp) return;
      stop();
      resolve();
    });
  });
}

async function listenOn(onConnection: (attempt: number) => void, reply?: Buffer): Promise<string> {
  let attempts = 0;
  const server: Server = createServer((socket) => {
    onConnection(++attempts);
    socket.on('error', () => undefined);
    if (reply === undefined) socket.destroy();
    else if (reply.length > 0) socket.write(reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `redis://127.0.0.1:${address.port}`;
}

test('the connection tells when it comes and goes, once each, and no longer when asked', async () => {
  const broker = open();
  const changes: boolean[] = [];
  broker.onConnectionChange((isUp) => changes.push(isUp));
  const stop = broker.onConnectionChange(() => assert.fail('it stopped listening'));
  stop();
  assert.equal(broker.isConnected(), false);
  await broker.ping();
  assert.equal(broker.isConnected(), true);
  const down = change(broker, false);
  await redis.kill();
  await down;
  assert.equal(broker.isConnected(), false);
  const up = change(broker, true);
  await redis.restart();
  await up;
  await broker.ping();
  assert.deepEqual(changes, [true, false, true]);
  await broker.close();
  assert.equal(broker.isConnected(), false);
});

test('Redis that is not there is unreachable within the time limit, for every call', async () => {
  const broker = open('unix:///nowhere/redis.sock', 1_000);
  const clock = startGivenTime();
  const begin = performance.now();
  const calls = [broker.ping(), leaseOurs(broker), broker.check(), broker.queues()];
  const results = await Promise.allSettled(calls);
  const [took, givenMs] = [performance.now() - begin, clock.ms()];
  clock.stop();
  assert.ok(took > 900 && givenMs < 3_000, `${took} ms, ${givenMs} of them given`);
  for (const result of results) {
    assert.ok(result.status === 'rejected' && result.reason instanceof RedisUnreachableError);
    assert.match(result.reason.message, /Redis at \/nowhere\/redis\.sock .* within 1000 ms/);
    assert.match(String(result.reason.cause), /ENOENT/);
  }
});

test('a server that refuses every connection is not asked in a hot loop', async () => {
  let attempts = 0;
  const url = await listenOn((attempt) => {
    attempts = attempt;
  });
  await assert.rejects(open(url, 1000).ping(), RedisUnreachableError);
  assert.ok(attempts >= 3 && attempts <= 7, `${attempts} attempts in a second`);
});

test('a server that takes connections but never answers is unreachable within the limit', async () => {
  const url = await listenOn(() => undefined, Buffer.alloc(0));
  const ms = await givenTimeOf(() =>
    assert.rejects(open(url, 1_000).ping(), RedisUnreachableError),
  );
  assert.ok(ms < 3_000, `${ms} ms`);
});

test('a server that speaks something else is unreachable', async () => {
  const url = await listenOn(() => undefined, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await assert.rejects(open(url, 200).ping(), RedisUnreachableError);
});

test('a command whose reply does not come in time is told as such, and the connection heals', async () => {
  const broker = open();
  await broker.ping();
  process.kill(redis.pid, 'SIGSTOP');
  const down = change(broker, false);
  const ms = await givenTimeOf(() => assert.rejects(broker.ping(), ReplyLostError));
  assert.ok(ms < LIMIT * 2, `${ms} ms`);
  await down; // a connection that died silently is given up
  process.kill(redis.pid, 'SIGCONT');
  await change(broker, true);
  await broker.ping();
});

test('a command that was on its way when Redis died is told as such, and never sent again', async () => {
  const broker = open(redis.url, 5000);
  await broker.ping();
  process.kill(redis.pid, 'SIGSTOP');
  const lost = assert.rejects(
    broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]),
    ReplyLostError,
  );
  const up = change(broker, false).then(() => change(broker, true));
  await new Promise(setImmediate); // now it is written to the socket
  const ms = await givenTimeOf(async () => {
    await redis.kill();
    await lost;
  });
  assert.ok(ms < 2000, `told when the connection closed, not at the limit: ${ms} ms`);
  await redis.restart();
  await up;
  await broker.ping();
  assert.deepEqual(await redis.client.keys('*'), []);
});

test('a command after Redis went is told as not sent, and is not sent later', async () => {
  const broker = open(redis.url, 100);
  await broker.ping();
  const down = change(broker, false);
  await redis.kill();
  await down;
  await assert.rejects(
    broker.enqueue(QUEUE, [{ taskId: 'A', message: message('A') }]),
    RedisUnreachableError,
  );
  const up = change(broker, true);
  await redis.restart();
  await up;
  await broker.ping();
  assert.deepEqual(await redis.client.keys('*'), []);
});

test('calls made while the connection is up keep their order', async () => {
  const broker = open();
  await broker.ping();
  const ids = Array.from({ length: 50 }, (_, i) => `task-${i}`);
  await Promise.all(
    ids.map((taskId) => broker.enqueue('order', [{ taskId, message: message(taskId) }])),
  );
  const pending = await redis.client.lrange('asynq:{order}:pending', 0, -1);
  assert.deepEqual(pending.reverse(), ids);
  await redis.client.flushall();
});

test('the password is in no error, neither in its text nor in what it carries', async () => {
  const guarded = await useRedis({
    args: ['--requirepass', 'open-sesame'],
    client: { password: 'open-sesame' },
  });
  const wrong = open(`redis-socket://user:hunter2@${guarded.socket}`);
  const mute = open({ path: guarded.socket, password: 'hunter2', username: 'u' });
  const away = open('redis://:hunter2@127.0.0.1:1');
  for (const broker of [wrong, mute, away]) {
    const error: unknown = await broker.ping().catch((reason: unknown) => reason);
    assert.ok(error instanceof RedisUnreachableError);
    assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /hunter2/);
  }
  const error: unknown = await wrong.ping().catch((reason: unknown) => reason);
  assert.match(inspect(error), /WRONGPASS/);
  await open({ path: guarded.socket, password: 'open-sesame' }).ping();
});

test('the password is not shown when the server repeats it', async () => {
  const echo = Buffer.from("-ERR unknown command 'auth', with args: 'hunter2'\r\n".repeat(4));
  const url = await listenOn(() => undefined, echo);
  const broker = open(url.replace('//', '//:hunter2@'));
  const error: unknown = await broker.ping().catch((reason: unknown) => reason);
  assert.match(inspect(error, { depth: 10 }), /with args: '\*\*\*'/);
  assert.doesNotMatch(inspect(error, { depth: 10 }), /hunter2/);
});

test('a refusal of Redis carries its text but not the arguments of the command', async () => {
  const broker = open();
  await redis.client.config('SET', 'maxmemory', '1');
  const secret = Buffer.from('secret-payload');
  const error: unknown = await broker
    .enqueue(QUEUE, [{ taskId: 'A', message: secret }])
    .catch((reason: unknown) => reason);
  await redis.client.config('SET', 'maxmemory', '0');
  assert.ok(error instanceof RedisReplyError);
  assert.match(error.message, /OOM/);
  assert.doesNotMatch(inspect(error, { depth: 10 }), /secret-payload|736563726574/);
});

test('a call that waits for the connection ends when the broker is closed', async () => {
  const broker = open('unix:///nowhere/redis.sock', 60_000);
  const waiting = assert.rejects(broker.ping(), /Redis at/);
  await broker.close();
  await waiting;
  await broker.close();
});

test('close() lets the replies on their way arrive', async () => {
  const broker = open();
  await broker.ping();
  const info = broker.queueInfo(QUEUE);
  await broker.close();
  assert.equal((await info).queue, QUEUE);
});
