import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import { Health } from '../../src/runtime/health.ts';
import { useRedis } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';

/** Longer than an answer may take. */
const HELD_UP_MS = 3_500;

const redis = await useRedis();
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 60_000 });
after(() => broker.close());

/** A health check that counts its questions, with what it said. */
async function start(): Promise<{ health: Health; said: boolean[]; asked: () => number }> {
  let questions = 0;
  const emitter = new ServerEmitter();
  const said: boolean[] = [];
  emitter.on('redis', ({ isUp }) => said.push(isUp));
  const counting = {
    tryWrite: (queues: readonly string[]) => {
      questions += 1;
      return broker.tryWrite(queues);
    },
    onConnectionChange: (listener: (isUp: boolean) => void) => broker.onConnectionChange(listener),
    isConnected: () => broker.isConnected(),
  };
  await broker.ping();
  const health = new Health({ broker: counting, emitter, queues: ['q'], intervalMs: 10 });
  await health.start();
  after(() => health.stop());
  return { health, said, asked: () => questions };
}

test('a process that stood still for longer than an answer may take does not call Redis away', async () => {
  const { health, said, asked } = await start();
  process.kill(redis.pid, 'SIGSTOP'); // so that a question is on its way for sure
  const before = asked();
  await until(() => asked() > before);
  process.kill(redis.pid, 'SIGCONT');
  const end = performance.now() + HELD_UP_MS;
  while (performance.now() < end);
  const then = asked();
  await until(() => asked() >= then + 3); // it has had its answer, and asks on
  assert.deepEqual(said, []);
  assert.equal(health.isRedisUp, true);
  await health.stop();
});

test('a Redis that hangs is called away', async () => {
  const { health, said } = await start();
  process.kill(redis.pid, 'SIGSTOP');
  try {
    await until(() => said.length > 0);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  assert.equal(said[0], false);
  await until(() => said.length === 2);
  assert.equal(health.isRedisUp, true);
  await health.stop();
});
