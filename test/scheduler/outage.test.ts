import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { queueKeys, SCHEDULE_LEASES } from '../../src/wire/keys.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { useRedis } from '../helpers/redis.ts';
import { useCluster } from '../helpers/redis-cluster.ts';
import { until } from '../helpers/server.ts';
import { flaws, makeRunner, pendingTicks } from './runners.ts';

const redis = await useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
const { client } = redis;
const entries = [{ name: 'tick', spec: '@every 1s', task: { type: 't' } }];

const waiting = (): Promise<number> => client.llen(queueKeys('default').pending);

test('while Redis is away ticks wait, and come once when it is back', async () => {
  await client.flushall();
  // Long enough that a claim fails only while Redis is away, not as the machine kept everybody waiting for it.
  const runner = makeRunner(redis.url, { entries }, { connectTimeoutMs: 5_000 });
  const faults: string[] = [];
  runner.emitter.on('fault', ({ where }) => faults.push(where));
  await runner.start();
  await until(async () => (await waiting()) >= 2);
  await redis.kill();
  await until(() => faults.includes('claim of the schedule'));
  await redis.restart();
  await until(async () => (await waiting()) >= 8);
  await runner.stop();
  assert.deepEqual(flaws(await pendingTicks(client)), []);
  assert.equal(faults.filter((where) => where === 'claim of the schedule').length, 1);
});

test('a tick whose reply is lost comes once', async () => {
  await client.flushall();
  const proxy = await swallowingProxy(redis.socket);
  after(() => proxy.close());
  // Calls may take their time: that a reply was lost is told by the end of the connection.
  const runner = makeRunner(proxy.url, { entries }, { connectTimeoutMs: 10_000, leadMs: 10_000 });
  let enqueued = 0;
  runner.emitter.on('enqueued', () => (enqueued += 1));
  await runner.start();
  for (let i = 0; i < 3; i += 1) {
    const before = enqueued;
    await until(() => enqueued > before);
    const lost = proxy.swallowed;
    proxy.swallowReplies();
    await until(() => proxy.swallowed > lost);
    proxy.cut();
  }
  const before = enqueued;
  await until(() => enqueued >= before + 3);
  await runner.stop();
  const ticks = await pendingTicks(client);
  assert.deepEqual(flaws(ticks), []);
  assert.equal(enqueued, ticks.length);
});

test('a tick that has run and is gone is not enqueued again by a leader that is behind', async () => {
  await client.flushall();
  const runner = makeRunner(redis.url, { entries });
  await runner.start();
  await until(async () => (await waiting()) >= 2);
  await runner.stop();
  const last = (await pendingTicks(client)).at(-1) ?? 0;
  for (const key of await client.keys('asynq:{default}:t:*')) await client.del(key);
  await client.del(queueKeys('default').pending);
  // What it knew of the ticks is lost, as after a failover: it believes that none was enqueued for half a minute.
  const [state] = runner.states;
  const key = SCHEDULE_LEASES + (state?.entry.id ?? '');
  await client.set(key, `gone:1:x 0 ${(last - 30) * 1000} 0`);
  const later = makeRunner(redis.url, {
    entries: entries.map((e) => ({ ...e, missed: { all: 100 } })),
  });
  await later.start();
  await until(async () => (await waiting()) >= 2);
  await later.stop();
  assert.equal((await pendingTicks(client))[0], last + 1);
});

for (const [missed, kept] of [
  ['skip', 0],
  ['once', 1],
  [{ all: 3 }, 3],
] as const) {
  test(`after an hour without any scheduler, ${JSON.stringify(missed)} makes up for ${kept} ticks`, async () => {
    await client.flushall();
    const options = { entries: [{ spec: '@every 1m', task: { type: 't' }, name: 'm', missed }] };
    const before = makeRunner(redis.url, options);
    await before.start();
    await before.stop();
    const started = await waiting();
    const later = makeRunner(redis.url, options, { offset: 3_600 });
    const told: number[] = [];
    later.emitter.on('missed', ({ enqueued }) => told.push(enqueued));
    await later.start();
    await until(() => told.length > 0);
    await until(() => (later.states[0]?.nextTickMs ?? 0) > 0);
    await later.stop();
    const ticks = (await pendingTicks(client)).slice(started);
    assert.deepEqual(told, [kept]);
    assert.ok(ticks.length === kept || ticks.length === kept + 1, `${ticks.length}`); // a minute may begin just now
    assert.deepEqual(flaws(ticks, 60), []);
    const latest = (Date.now() / 1000 + 3_600) % 1e12;
    assert.ok(ticks.every((tick) => tick > latest - 5 * 60 && tick <= latest + 60));
  });
}

test('an entry that changes makes up for no ticks from before the change', async () => {
  await client.flushall();
  const entry = { name: 'e', task: { type: 't' }, missed: { all: 100 } } as const;
  const before = makeRunner(redis.url, { entries: [{ ...entry, spec: '@yearly' }] });
  await before.start();
  const doneAt = async (): Promise<number> => {
    const lease = await client.get(SCHEDULE_LEASES + (before.states[0]?.entry.id ?? ''));
    return Number(lease?.split(' ')[2]);
  };
  const first = await doneAt();
  await until(async () => (await doneAt()) > first + 3_000); // time passes without a tick
  await before.stop();
  const changed = makeRunner(redis.url, { entries: [{ ...entry, spec: '@every 1s' }] });
  await changed.start();
  await until(async () => (await waiting()) > 0);
  await changed.stop();
  const [tick = 0] = await pendingTicks(client);
  assert.ok(tick * 1000 > first + 3_000);
});

test('in a Cluster each tick of each queue comes once', async () => {
  const cluster = await useCluster({ replicas: false });
  const names = ['a', 'b', 'c'];
  const spread = names.map((name) => ({
    name,
    spec: '@every 1s',
    task: { type: 't' },
    options: { queue: name },
  }));
  const one = makeRunner(cluster.url, { entries: spread });
  const two = makeRunner(cluster.url, { entries: spread });
  await one.start();
  await two.start();
  const lengths = (): Promise<number[]> =>
    Promise.all(
      names.map((name) => {
        const { pending } = queueKeys(name);
        return cluster.masterOf(pending).redis.client.llen(pending);
      }),
    );
  await until(async () => (await lengths()).every((length) => length >= 2));
  await one.stop();
  await until(async () => (await lengths()).every((length) => length >= 5));
  await two.stop();
  for (const name of names) {
    const { client: node } = cluster.masterOf(queueKeys(name).pending).redis;
    assert.deepEqual(flaws(await pendingTicks(node, name)), []);
  }
});
