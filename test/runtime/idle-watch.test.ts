import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisReplyError } from '../../src/errors.ts';
import { IdleWatch } from '../../src/runtime/idle-watch.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

/** An idle watch over a watch that answers as told, or over none. */
function idleWatch(arm: (() => Promise<boolean>) | undefined): {
  idle: IdleWatch;
  faults: unknown[];
} {
  const faults: unknown[] = [];
  const idle = new IdleWatch({
    watch: arm === undefined ? undefined : { arm, close: () => Promise.resolve() },
    queues: ['q'],
    pollIntervalMs: 100,
    random: () => 0.5,
    onFault: (where, error) => faults.push([where, error]),
  });
  return { idle, faults };
}

test('an idle server is woken by a new task without polling', async () => {
  const server = await fleet.start({ queues: { woken: 1, other: 1 }, pollInterval: '1m' });
  for (const queue of ['woken', 'other', 'woken']) {
    const started = next(server, 'started');
    await client.enqueue({ type: 'ok' }, { queue });
    assert.equal((await started).task.queue, queue);
  }
});

test('an idle server is woken when its queue is resumed, or its connections were cut', async () => {
  const queue = 'resumed';
  const { paused } = queueKeys(queue);
  const server = await fleet.start({ queues: { [queue]: 1 }, pollInterval: '1m' });
  await redis.client.set(paused, '1');
  await client.enqueue({ type: 'ok' }, { queue });
  const started = next(server, 'started');
  await redis.client.del(paused);
  await started;
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const again = next(server, 'started');
  await client.enqueue({ type: 'ok' }, { queue });
  await again;
});

test('with the watch armed the poll is only a safety net', async () => {
  const { idle } = idleWatch(() => Promise.resolve(false));
  assert.equal(await idle.onNothing(), 1_000);
});

test('work that is there already is taken at once', async () => {
  const { idle } = idleWatch(() => Promise.resolve(true));
  assert.equal(await idle.onNothing(), 0);
});

test('who is woken for nothing waits longer each time before it is woken again, up to half a second', async () => {
  const { idle } = idleWatch(() => Promise.resolve(false));
  const misses: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    await idle.onNothing(); // arms
    misses.push(await idle.onNothing());
  }
  assert.deepEqual(misses, [2.5, 5, 10, 20, 40, 80, 160, 250, 250]);
  idle.onWork();
  await idle.onNothing();
  assert.equal(await idle.onNothing(), 2.5);
});

test('without a watch it polls, which is no fault', async () => {
  const { idle, faults } = idleWatch(undefined);
  assert.deepEqual([await idle.onNothing(), await idle.onNothing()], [100, 100]);
  assert.deepEqual(faults, []);
});

test('where Redis refuses to tell, it is asked at the poll interval, and that is said once', async () => {
  let asked = 0;
  const { idle, faults } = idleWatch(() => {
    asked += 1;
    return Promise.reject(new RedisReplyError('redis', 'ERR unknown subcommand'));
  });
  assert.deepEqual([await idle.onNothing(), await idle.onNothing()], [100, 100]);
  assert.deepEqual([asked, faults.length], [1, 1]);
});

test('a refused watch is asked for again after a minute, which is said no more', async (t) => {
  let asked = 0;
  const { idle, faults } = idleWatch(() => {
    asked += 1;
    return Promise.reject(new RedisReplyError('redis', 'ERR no such client'));
  });
  let nowMs = 1;
  t.mock.method(performance, 'now', () => nowMs);
  await idle.onNothing();
  nowMs += 59_999;
  await idle.onNothing();
  assert.equal(asked, 1);
  nowMs += 1;
  await idle.onNothing();
  assert.deepEqual([asked, faults.length], [2, 1]);
});

test('a refusal that passes does not end the watch, but is an outage', async () => {
  let isReplica = true;
  const { idle, faults } = idleWatch(() =>
    isReplica
      ? Promise.reject(new RedisReplyError('redis', 'MASTERDOWN x'))
      : Promise.resolve(true),
  );
  await assert.rejects(idle.onNothing(), RedisReplyError);
  isReplica = false;
  assert.equal(await idle.onNothing(), 0);
  assert.deepEqual(faults, []);
});
