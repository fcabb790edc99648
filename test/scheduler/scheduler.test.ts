import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, InvalidOptionsError, Scheduler, type SchedulerOptions } from '../../src/index.ts';
import { GO_ZERO_TIME_MS } from '../../src/wire/timestamp.ts';
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  type SchedulerEntry,
} from '../../src/wire/scheduler-entry.ts';
import { schedulerHistoryKey, SCHEDULERS } from '../../src/wire/keys.ts';
import { recordingLogger, until } from '../helpers/server.ts';
import { useRedis } from '../helpers/redis.ts';
import { flaws, pendingTicks, tickOf } from './runners.ts';

const schedulers: Scheduler[] = [];
// Registered first, so that it runs before the hook that ends Redis.
after(() => Promise.all(schedulers.map((scheduler) => scheduler.stop())));
const redis = await useRedis();
const { client } = redis;
const producer = new Client({ redis: redis.url });
after(() => producer.close());

function make(options: SchedulerOptions = {}): Scheduler {
  const { logger } = recordingLogger();
  const scheduler = new Scheduler({ redis: redis.url, logger, ...options });
  schedulers.push(scheduler);
  return scheduler;
}

/** Entries as asynq's tools read them. */
async function listed(): Promise<SchedulerEntry[]> {
  const keys = await client.zrange(SCHEDULERS, '0', '-1');
  const lists = await Promise.all(keys.map((key) => client.lrangeBuffer(key, 0, -1)));
  return lists.flat().map(decodeSchedulerEntry);
}

const everySecond = { name: 'tick', spec: '@every 1s', task: { type: 'tick', payload: { a: 1 } } };

test('each tick becomes a task with the options of its entry, an event, and a note in the history', async () => {
  await client.flushall();
  const options = { queue: 'low', maxRetry: 3, retention: '1h' };
  const scheduler = make({ entries: [{ ...everySecond, options }] });
  const ids: string[] = [];
  scheduler.on('enqueued', ({ taskId, tick, entry }) => {
    assert.equal(tickOf(taskId) * 1000, tick.getTime());
    assert.deepEqual(entry.name, 'tick');
    ids.push(taskId);
  });
  await scheduler.start();
  await until(() => ids.length >= 2);
  await scheduler.stop();

  const [entry] = scheduler.entries();
  assert.deepEqual(await client.lrange('asynq:{low}:pending', 0, -1), [...ids].reverse());
  const info = await producer.getTask({ id: ids[0] ?? '', queue: 'low' });
  assert.deepEqual(
    [info?.type, info?.maxRetry, info?.retention, Buffer.from(info?.payload ?? []).toString()],
    ['tick', 3, 3_600_000, '{"a":1}'],
  );
  assert.ok(await client.sismember('asynq:queues', 'low'));
  const history = await client.zrangeBuffer(schedulerHistoryKey(entry?.id ?? ''), '0', '-1');
  assert.deepEqual(
    history.map((event) => decodeSchedulerEnqueueEvent(event).taskId),
    ids,
  );
});

test('tools see the entries while it runs, one that never ran without a previous time, and the history after', async () => {
  await client.flushall();
  const rare = { spec: '0 3 1 1 *', timeZone: 'Europe/Berlin', task: { type: 'rare' } };
  const scheduler = make({ entries: [everySecond, { ...rare, options: { queue: 'low' } }] });
  await scheduler.start();
  await until(async () =>
    (await listed()).some(({ prevEnqueueAt }) => prevEnqueueAt !== undefined),
  );
  const entries = await listed();
  const [first, second] = ['tick', 'rare'].map((type) => entries.find((e) => e.taskType === type));
  assert.equal(first?.spec, '@every 1s');
  assert.equal(Buffer.from(first?.taskPayload ?? []).toString(), '{"a":1}');
  assert.ok((first?.nextEnqueueAt ?? 0) > (first?.prevEnqueueAt ?? Number.POSITIVE_INFINITY));
  assert.equal(second?.spec, 'CRON_TZ=Europe/Berlin 0 3 1 1 *');
  assert.deepEqual(second?.enqueueOptions, ['Queue("low")']);
  assert.equal(second?.prevEnqueueAt, undefined); // Go's zero time on the wire
  assert.ok(GO_ZERO_TIME_MS < 0);
  await scheduler.stop();
  assert.deepEqual(await listed(), []);
  assert.equal((await client.keys('asynq:schedulers*')).length, 0);
  assert.equal((await client.keys('asynq:scheduler_history:*')).length, 1);
});

test('of two schedulers one enqueues, and when it stops the other goes on without a gap', async () => {
  await client.flushall();
  const [one, two] = [make({ entries: [everySecond] }), make({ entries: [everySecond] })];
  const by: string[] = [];
  one.on('enqueued', () => by.push('one'));
  two.on('enqueued', () => by.push('two'));
  await one.start();
  await two.start();
  await until(() => by.length >= 2);
  assert.deepEqual(new Set(by), new Set(['one']));
  assert.equal((await listed()).length, 1);
  await one.stop();
  await until(() => by.filter((name) => name === 'two').length >= 2);
  await two.stop();
  const ticks = await pendingTicks(client);
  assert.deepEqual(flaws(ticks), []);
  assert.equal(ticks.length, by.length);
});

test('schedulers with different entries each lead their own', async () => {
  await client.flushall();
  const other = { ...everySecond, name: 'other' };
  const [one, two] = [make({ entries: [everySecond] }), make({ entries: [everySecond, other] })];
  await one.start();
  await two.start();
  assert.deepEqual(
    [one, two].map((each) => each.entries().map(({ name, isLed }) => [name, isLed])),
    [
      [['tick', true]],
      [
        ['tick', false],
        ['other', true],
      ],
    ],
  );
  await Promise.all([one.stop(), two.stop()]);
});

test('entries are added and removed while it runs', async () => {
  await client.flushall();
  const scheduler = make();
  await scheduler.start();
  const id = scheduler.add(everySecond);
  assert.throws(() => scheduler.add(everySecond), InvalidOptionsError);
  await until(async () => (await client.llen('asynq:{default}:pending')) > 0);
  assert.equal(scheduler.remove('nobody'), false);
  assert.equal(scheduler.remove(id), true);
  assert.deepEqual(scheduler.entries(), []);
  await until(async () => (await listed()).length === 0); // and another scheduler may lead it
  const other = make({ entries: [everySecond] });
  await other.start();
  assert.equal(other.entries()[0]?.isLed, true);
  await Promise.all([scheduler.stop(), other.stop()]);
});

test('the provider is asked again; what it no longer names is gone, and a bad answer changes nothing', async () => {
  await client.flushall();
  const task = { type: 't' };
  const answers = [
    () => [{ spec: '@daily', task, name: 'a' }],
    () => Promise.reject(new Error('no answer')),
    () => [{ spec: 'nonsense', task, name: 'b' }],
    () => [{ spec: '@daily', task, name: 'c' }],
  ];
  const faults: string[] = [];
  let asked = 0;
  const scheduler = make({
    entries: [{ spec: '@hourly', task, name: 'own' }],
    provider: async () => answers[Math.min(asked++, 3)]?.() ?? [],
    providerInterval: '1s',
  });
  const names = (): (string | undefined)[] => scheduler.entries().map(({ name }) => name);
  scheduler.on('fault', ({ where, error }) => faults.push(`${where}: ${error.message}`));
  await scheduler.start();
  assert.deepEqual(names(), ['own', 'a']);
  await until(() => faults.length === 2);
  assert.deepEqual(names(), ['own', 'a']);
  await until(() => asked === 4);
  await until(() => names().includes('c'));
  assert.deepEqual(names(), ['own', 'c']);
  assert.match(faults[0] ?? '', /schedule provider: no answer/);
  assert.match(faults[1] ?? '', /entries\[0\]\.spec is "nonsense"/);
  await scheduler.stop();
});

test('a provider that fails at the start fails the start', async () => {
  const failing = make({ provider: () => Promise.reject(new Error('no answer')) });
  await assert.rejects(failing.start(), /no answer/);
  await assert.rejects(failing.start(), { code: 'ERR_SCHEDULER_STATE' });
  const wrong = make({ provider: () => [{ spec: 'x', task: { type: 't' } }] });
  await assert.rejects(wrong.start(), InvalidOptionsError);
});

test('a tick whose unique task still waits is skipped', async () => {
  await client.flushall();
  const options = { uniqueFor: '1m' };
  const scheduler = make({ entries: [{ ...everySecond, options }] });
  const skipped: string[] = [];
  scheduler.on('skipped', ({ error }) => skipped.push((error as { code?: string }).code ?? ''));
  await scheduler.start();
  await until(() => skipped.length >= 2);
  await scheduler.stop();
  assert.deepEqual(new Set(skipped), new Set(['ERR_DUPLICATE_TASK']));
  assert.equal(await client.llen('asynq:{default}:pending'), 1);
});

test('an entry ends with its last tick, and is listed no more', async () => {
  await client.flushall();
  const endAt = Date.now() + 2_000;
  const scheduler = make({
    entries: [
      { ...everySecond, endAt },
      { ...everySecond, name: 'b' },
    ],
  });
  await scheduler.start();
  await until(() => scheduler.entries().some(({ nextTick }) => nextTick === undefined));
  await until(async () => (await listed()).length === 1);
  const first = scheduler.entries().find(({ name }) => name === 'tick');
  assert.ok((first?.previousTick?.getTime() ?? 0) <= endAt);
  await scheduler.stop();
});

test('what is wrong with the options is said at once, all of it', () => {
  const wrong = { entries: [{ spec: '* * *', task: { type: '' } }], timeZone: 'x', zone: 1 };
  assert.throws(
    () => new Scheduler({ redis: redis.url, ...(wrong as object) }),
    (error) => {
      assert.ok(error instanceof InvalidOptionsError);
      assert.deepEqual(
        error.issues.map(({ name }) => name),
        ['zone', 'timeZone', 'entries[0].spec', 'entries[0].task.type'],
      );
      return true;
    },
  );
});

test('start fails where there is no Redis, and stop comes back all the same', async () => {
  const scheduler = make({ redis: 'redis-socket:///nowhere/redis.sock', connectTimeout: 100 });
  await assert.rejects(scheduler.start(), { code: 'ERR_REDIS_UNREACHABLE' });
  await scheduler.stop();
});

test('stop during the start leaves nothing behind', async () => {
  await client.flushall();
  const scheduler = make({ entries: [everySecond] });
  const starting = scheduler.start();
  await scheduler.stop();
  await starting.catch(() => undefined);
  assert.deepEqual(await client.keys('asynq:schedulers*'), []);
  assert.throws(() => scheduler.add(everySecond), { code: 'ERR_SCHEDULER_STATE' });
});
