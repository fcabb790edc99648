/** Short tasks are leased ahead of the slots, long ones are not, and what waits in vain goes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { useBatches } from '../helpers/batches.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const enqueueBatch = useBatches(client, redis.client);
const handlers = fixture('batches');
const LONG_MS = 60_000;

/** IDs that wait, in the order in which they are taken. */
async function pendingIn(queue: string): Promise<string[]> {
  return (await redis.client.lrange(queueKeys(queue).pending, 0, -1)).toReversed();
}

async function activeIn(queue: string): Promise<string[]> {
  return redis.client.lrange(queueKeys(queue).active, 0, -1);
}

async function scriptCalls(): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

test('short tasks share their round trips: fewer scripts than tasks', async () => {
  const queue = 'short';
  const count = 2_000;
  const requests = Array.from({ length: count }, () => ({
    task: { type: 'ok' },
    options: { queue },
  }));
  assert.ok((await client.enqueueMany(requests)).every(({ ok }) => ok));
  const server = fleet.make({ queues: [queue] });
  const ended = collect(server, 'succeeded', count);
  const before = await scriptCalls();
  await server.start();
  await ended;
  const calls = (await scriptCalls()) - before;
  assert.ok(calls < count * 0.7, `${calls} scripts`);
  await server.shutdown();
});

test('of long tasks no server holds more than its slots, and each gets its share', async () => {
  const queue = 'long';
  const count = 12;
  const requests = Array.from({ length: count }, () => ({
    task: { type: 'sleep' },
    options: { queue },
  }));
  await client.enqueueMany(requests);
  const servers = [0, 1].map(() => fleet.make({ handlers, queues: [queue], concurrency: 1 }));
  const done = new Map<string, number>();
  let most = 0;
  const looks: Promise<void>[] = [];
  for (const server of servers) {
    server.on('started', () => {
      looks.push(
        (async () => {
          const owners = await Promise.all(
            (await activeIn(queue)).map((id) =>
              redis.client.hget(queueKeys(queue).task(id), 'threadmill_lease'),
            ),
          );
          const own = owners.filter((token) => token?.includes(server.serverId));
          most = Math.max(most, own.length);
        })(),
      );
    });
    server.on('succeeded', () => done.set(server.serverId, (done.get(server.serverId) ?? 0) + 1));
  }
  await Promise.all(servers.map((server) => server.start()));
  await until(() => [...done.values()].reduce((sum, each) => sum + each, 0) === count, LONG_MS);
  await Promise.all(looks);
  // One runs, and one that has just ended may still be on its way to Redis.
  assert.ok(most <= 2, `${most} held by one server`);
  await Promise.all(servers.map((server) => server.shutdown()));
});

test('a long task in the midst of short ones: what waits behind it goes back, in order, and spends nothing', async () => {
  const batch = await enqueueBatch('midst', 'gate', { before: 300, behind: 200 });
  const { queue, middle, behind } = batch;
  const server = await fleet.start({ handlers, queues: [queue], concurrency: 1 });
  await until(() => batch.runs().has(middle), LONG_MS);
  await until(async () => (await activeIn(queue)).length === 1, LONG_MS);
  assert.deepEqual(await activeIn(queue), [middle]);
  assert.deepEqual(await pendingIn(queue), behind);
  batch.open();
  await batch.completed();
  assert.equal(await batch.spent(), 0);
  await server.shutdown();
});

test('at shutdown what waits goes back to the front in its order, with nothing spent', async () => {
  const batch = await enqueueBatch('shutdown', 'gate', { before: 300, behind: 200 });
  const { queue, middle, behind } = batch;
  const server = await fleet.start({
    handlers,
    queues: [queue],
    concurrency: 1,
    shutdownTimeout: 100,
    // The gate ends as soon as it is told to: nothing here waits for the end of a thread, for which a busy machine may need
    // longer than the half second after which it counts as stuck.
    cancelGrace: LONG_MS,
  });
  await until(() => batch.runs().has(middle), LONG_MS);
  await server.shutdown();
  assert.deepEqual(await activeIn(queue), []);
  assert.deepEqual(await pendingIn(queue), [middle, ...behind]);
  for (const id of behind) {
    const fields = await redis.client.hkeys(queueKeys(queue).task(id));
    assert.deepEqual(
      fields.filter((name) => name.startsWith('threadmill_')),
      [],
      id,
    );
  }
  batch.open();
  const successor = await fleet.start({ handlers, queues: [queue], concurrency: 1 });
  await batch.completed();
  assert.equal(await batch.spent(), 0);
  await successor.shutdown();
});

test('a pause of the queue leaves what was leased to its server', async () => {
  const batch = await enqueueBatch('paused', 'gate', { before: 300, behind: 200 });
  const { queue, middle } = batch;
  const server = await fleet.start({ handlers, queues: [queue], concurrency: 1 });
  await until(() => batch.runs().has(middle), LONG_MS);
  const { paused } = queueKeys(queue);
  await redis.client.set(paused, '1');
  const held = await activeIn(queue);
  const gone = next(server, 'succeeded', ({ task }) => task.id === middle);
  batch.open();
  await gone;
  await until(async () => (await activeIn(queue)).length === 0, LONG_MS);
  // What was not given back to the queue as it waited too long has run.
  const ran = batch.runs();
  const waiting = new Set(await pendingIn(queue));
  assert.deepEqual(
    held.filter((id) => !ran.has(id) && !waiting.has(id)),
    [],
  );
  await redis.client.del(paused);
  await batch.completed();
  await server.shutdown();
});
