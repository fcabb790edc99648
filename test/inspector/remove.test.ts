import assert from 'node:assert/strict';
import { after } from 'node:test';
import { QueueNotEmptyError, QueueNotFoundError } from '../../src/errors.ts';
import { Inspector } from '../../src/index.ts';
import { queueKeys, utcDay } from '../../src/wire/keys.ts';
import { held, message, QUEUE, useBroker } from '../broker/tasks.ts';
import { queueState, type QueueState, state } from '../helpers/queue-state.ts';
import { earlyInSecond, test } from '../helpers/within-second.ts';
import { fieldsIn, lockOf } from './states.ts';

const { broker, client, redis, seed } = await useBroker();
const inspector = new Inspector({ redis: redis.url });
after(() => inspector.close());

async function seedQueue(parts: Partial<QueueState>): Promise<void> {
  await seed(parts);
  await client.sadd('asynq:queues', QUEUE);
}

const isListed = async (): Promise<boolean> =>
  (await client.sismember('asynq:queues', QUEUE)) === 1;

/** One task in every place where tasks wait, and all else that a queue can have. */
function everything(now: number): Partial<QueueState> {
  const locks = ['P', 'S', 'R', 'X', 'G', 'H'].map((id) => [lockOf(id), id]);
  return {
    pending: ['P'],
    lease: { stray: now },
    scheduled: { S: now + 9 },
    retry: { R: now + 9 },
    archived: { X: now },
    completed: { C: now + 9 },
    groups: ['g', 'h'],
    group: { g: { G: now }, 'h:set': { H: now } },
    tasks: {
      P: fieldsIn('pending', 'P'),
      S: fieldsIn('scheduled', 'S'),
      R: fieldsIn('retry', 'R'),
      X: fieldsIn('archived', 'X'),
      C: { msg: message('C'), state: 'completed' },
      G: fieldsIn('aggregating', 'G'),
      H: fieldsIn('aggregating', 'H'),
    },
    counters: { processed: '9', failed: '1', [`processed:${utcDay(now * 1000)}`]: '2' },
    locks: Object.fromEntries(locks),
    paused: '1700000000',
  };
}

test('a queue is removed by force with its tasks, groups, locks, counters and pause', async () => {
  const now = await earlyInSecond(client);
  await seedQueue(everything(now));
  await client.zadd('asynq:{q}:aggregation_sets', now + 99, 'asynq:{q}:g:h:set');
  const { closedSets, closedSet, task } = queueKeys(QUEUE);
  await client.zadd(closedSets, now, closedSet('over')); // aggregated by a server that died then
  await client.zadd(closedSet('over'), now, 'L');
  await client.hset(task('L'), fieldsIn('aggregating', 'L'));
  const { changed, isStopped } = await inspector.removeQueue(QUEUE, { force: true });
  assert.deepEqual([changed, isStopped], [8, false]);
  assert.deepEqual(await client.keys('*'), []);
  await assert.rejects(inspector.removeQueue(QUEUE), QueueNotFoundError);
});

test('no step of a removal deletes more than its share, wherever the tasks are', async () => {
  const now = await earlyInSecond(client);
  const { closedSets, closedSet } = queueKeys(QUEUE);
  await seedQueue({ pending: Array.from({ length: 50 }, (_, i) => `p${i}`) });
  await client.zadd(closedSets, now, closedSet('over'));
  for (let i = 0; i < 20; i += 1) await client.zadd(closedSet('over'), now, `o${i}`);
  const step = { act: 'remove', count: 20, onlyCompleted: false } as const;
  const { deleted, isDone } = await broker.removeQueue(QUEUE, step);
  assert.deepEqual([deleted, isDone], [20, false]);
  assert.equal(await client.llen(queueKeys(QUEUE).pending), 50);
});

test('a queue that holds tasks is not removed without force', async () => {
  const now = await earlyInSecond(client);
  const whole = everything(now);
  for (const place of ['pending', 'scheduled', 'retry', 'archived', 'groups'] as const) {
    const { tasks = {}, group = {} } = whole;
    await seedQueue({ [place]: whole[place], tasks, ...(place === 'groups' ? { group } : {}) });
    const before = await queueState(client, QUEUE);
    await assert.rejects(inspector.removeQueue(QUEUE), QueueNotEmptyError, place);
    assert.deepEqual(await queueState(client, QUEUE), before);
    assert.ok(await isListed());
  }
});

test('completed tasks do not keep a queue, and go with it', async () => {
  const now = await earlyInSecond(client);
  await seedQueue({
    completed: { C: now + 9 },
    tasks: { C: { msg: message('C'), state: 'completed' } },
    counters: { processed: '9' },
  });
  await inspector.removeQueue(QUEUE);
  assert.deepEqual(await client.keys('*'), []);
});

test('a queue with running tasks is not even removed by force, and is not left paused', async () => {
  const now = await earlyInSecond(client);
  await seedQueue({ ...held(['A'], { leaseAt: now + 30 }), pending: ['P'] });
  const before = await queueState(client, QUEUE);
  for (const force of [true, false]) {
    await assert.rejects(inspector.removeQueue(QUEUE, { force }), /has running tasks/);
  }
  assert.deepEqual(await queueState(client, QUEUE), before);
});

test('while a queue is removed no task of it is leased, and when that is stopped it goes on', async () => {
  await seedQueue({});
  const entries = Array.from({ length: 1000 }, (_, i) => ({
    taskId: `t${i}`,
    message: message(`t${i}`),
  }));
  await broker.enqueue(QUEUE, entries);
  const stop = new AbortController();
  const attempts: Promise<unknown>[] = [];
  const lease = { queue: QUEUE, max: 1, leaseMs: 30_000, server: 'us', firstRun: 1 };
  await broker.lease({ ...lease, queue: 'other' }); // connects, and lets Redis know the script
  const result = await inspector.removeQueue(QUEUE, {
    force: true,
    signal: stop.signal,
    onProgress: ({ changed }) => {
      if (changed >= 800) stop.abort();
      if (changed === 200)
        attempts.push(broker.lease(lease).then(({ tasks }) => assert.deepEqual(tasks, [])));
    },
  });
  assert.deepEqual([result.isStopped, result.changed], [true, 800]);
  await Promise.all(attempts);
  assert.ok(await isListed());
  assert.equal((await broker.lease(lease)).tasks.length, 1);
});

test('what producers store while a queue is removed is either gone with it, or in a queue that is listed', async () => {
  await seedQueue({});
  await broker.enqueue(QUEUE, [{ taskId: 'first', message: message('first') }]);
  const over = new AbortController();
  const producer = (async () => {
    for (let i = 0; !over.signal.aborted; i += 1) {
      await broker.enqueue(QUEUE, [{ taskId: `new${i}`, message: message(`new${i}`) }]);
    }
  })();
  await inspector.removeQueue(QUEUE, { force: true });
  over.abort();
  await producer;
  const left = await client.llen('asynq:{q}:pending');
  assert.equal((await client.keys('asynq:{q}:t:*')).length, left);
  assert.ok(left > 0 && (await isListed()), `${left}`);
});

test('a queue is paused and resumed, both as often as one likes', async () => {
  const now = await earlyInSecond(client);
  await seedQueue({});
  await inspector.pause(QUEUE);
  assert.deepEqual(await queueState(client, QUEUE), state({ paused: `${now}` }));
  await client.set('asynq:{q}:paused', '1');
  await inspector.pause(QUEUE);
  assert.equal(await client.get('asynq:{q}:paused'), '1');
  for (let i = 0; i < 2; i += 1) await inspector.resume(QUEUE);
  assert.deepEqual(await queueState(client, QUEUE), state());
  await assert.rejects(inspector.pause('nobody'), QueueNotFoundError);
  await assert.rejects(inspector.resume('nobody'), QueueNotFoundError);
});
