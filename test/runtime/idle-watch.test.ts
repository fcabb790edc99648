import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisReplyError } from '../../src/errors.ts';
import { IdleWatch } from '../../src/runtime/idle-watch.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

interface Idle {
  readonly idle: IdleWatch;
  readonly faults: unknown[];
  tell(queues: readonly string[] | undefined): void;
}

/** An idle watch over a watch that answers as told, or over none. */
function idleWatch(
  arm: ((queues: readonly string[]) => Promise<readonly number[]>) | undefined,
  queues: readonly string[] = ['q'],
): Idle {
  const faults: unknown[] = [];
  let tell: Idle['tell'] = () => undefined;
  const idle = new IdleWatch({
    watch: (onChange) => {
      tell = onChange;
      return arm === undefined ? undefined : { arm, close: () => Promise.resolve() };
    },
    queues,
    pollIntervalMs: 100,
    random: () => 0.5,
    onWake: () => undefined,
    onFault: (where, error) => faults.push([where, error]),
  });
  return { idle, faults, tell: (told) => tell(told) };
}

const nothing = (queues: readonly string[]): Promise<number[]> =>
  Promise.resolve(queues.map(() => Number.POSITIVE_INFINITY));

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

test('with the watch armed the poll is only a safety net', async (t) => {
  t.mock.method(performance, 'now', () => 0);
  const { idle } = idleWatch(nothing);
  assert.equal(await idle.onNothing(), 1_000);
});

test('work that is there already is taken at once', async () => {
  const { idle } = idleWatch(() => Promise.resolve([0]));
  assert.equal(await idle.onNothing(), 0);
  assert.deepEqual([...(await idle.candidates())], ['q']);
});

test('who is woken for nothing waits longer each time before it acts again, up to half a second', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  let looks = 0;
  const { idle, tell } = idleWatch((queues) => {
    looks += queues.length;
    return nothing(queues);
  });
  /** What the dispatcher does when it is woken and finds nothing. */
  const round = async (): Promise<number> => {
    await idle.candidates();
    return idle.onNothing();
  };
  await round();
  looks = 0;
  const pauses: number[] = [];
  for (let miss = 1; miss <= 9; miss += 1) {
    tell(['q']);
    await round();
    tell(['q']); // while it pauses
    const pauseMs = await round();
    pauses.push(pauseMs);
    nowMs += pauseMs;
  }
  assert.deepEqual(pauses, [2.5, 5, 10, 20, 40, 80, 160, 250, 250]);
  assert.equal(looks, 8, 'one look each time, but the first, which comes after a pause');
});

test('who gets something leases without a look upon the next change, until it misses', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  let waitMs = Number.POSITIVE_INFINITY;
  let looks = 0;
  const { idle, tell } = idleWatch(() => {
    looks += 1;
    return Promise.resolve([waitMs]);
  });
  await idle.onNothing();
  tell(['q']);
  assert.deepEqual([...(await idle.candidates())], [], 'it was for another');
  tell(['q']);
  waitMs = 0;
  assert.deepEqual([...(await idle.candidates())], [], 'it pauses');
  nowMs = 3;
  assert.deepEqual([...(await idle.candidates())], ['q']);
  await idle.onWork();
  waitMs = Number.POSITIVE_INFINITY;
  await idle.onNothing();
  looks = 0;
  tell(['q']);
  assert.deepEqual([...(await idle.candidates())], ['q']);
  assert.equal(looks, 0);
  assert.equal(await idle.onNothing(), 2.5, 'it was for another');
  assert.equal(looks, 0, 'what is told during the pause needs no look before its end');
});

test('of many queues only the one that has changed is drawn from and looked at', async () => {
  const queues = Array.from({ length: 100 }, (_, index) => `q${index}`);
  const looks: (readonly string[])[] = [];
  const { idle, tell } = idleWatch((asked) => {
    looks.push(asked);
    return nothing(asked);
  }, queues);
  assert.deepEqual([...(await idle.candidates())], []);
  assert.ok((await idle.onNothing()) >= 1_000);
  assert.deepEqual(looks, [queues], 'at first each is looked at once');
  await idle.onWork();
  tell(['q42']);
  assert.deepEqual([...(await idle.candidates())], ['q42']);
  await idle.onWork();
  await idle.onNothing();
  assert.deepEqual(looks.slice(1), [['q42']]);
});

test('queues that gave nothing beside a busy one are left alone until they change', async () => {
  const queues = ['busy', 'b', 'c', 'd', 'e', 'f'];
  let waitMs = 0;
  const { idle, tell } = idleWatch((asked) => Promise.resolve(asked.map(() => waitMs)), queues);
  assert.deepEqual([...(await idle.candidates())], queues);
  waitMs = Number.POSITIVE_INFINITY;
  await idle.onWork(queues.slice(1));
  assert.deepEqual([...(await idle.candidates())], ['busy']);
  tell(['c']);
  assert.deepEqual([...(await idle.candidates())], ['busy', 'c']);
});

test('what changes while it is looked at is looked at again', async () => {
  let tellMeanwhile: () => void = () => undefined;
  const { idle, tell } = idleWatch((queues) => {
    tellMeanwhile();
    return nothing(queues);
  });
  await idle.onWork();
  tellMeanwhile = () => tell(['q']);
  assert.equal(await idle.onNothing(), 0);
  assert.deepEqual([...(await idle.candidates())], ['q']);
});

test('after a lost connection all are looked at', async () => {
  const queues = ['a', 'b', 'c'];
  const looks: (readonly string[])[] = [];
  const { idle, tell } = idleWatch((asked) => {
    looks.push(asked);
    return nothing(asked);
  }, queues);
  await idle.onNothing();
  tell(undefined);
  await idle.candidates();
  assert.deepEqual(looks, [queues, queues]);
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
    isReplica ? Promise.reject(new RedisReplyError('redis', 'MASTERDOWN x')) : Promise.resolve([0]),
  );
  await assert.rejects(idle.onNothing(), RedisReplyError);
  isReplica = false;
  assert.equal(await idle.onNothing(), 0);
  assert.deepEqual(faults, []);
});
