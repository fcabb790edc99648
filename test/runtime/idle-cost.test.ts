/** What an idle server asks of Redis, counted by Redis itself: calls inside scripts count as well. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { Server } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;

const SECONDS = 3;
const many = Array.from({ length: 20 }, (_, index) => `many${index}`);

/** Commands that Redis has carried out. */
async function commands(): Promise<number> {
  const [, count] = /total_commands_processed:(\d+)/.exec(await redis.client.info('stats')) ?? [];
  return Number(count);
}

/** Calls of one command since the statistics were reset. */
async function calls(name: string): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

/** A server with the intervals that users have, which has done all that it does at first. */
async function settledServer(queues: readonly string[]): Promise<Server> {
  const server = await fleet.start({
    queues: Object.fromEntries(queues.map((queue) => [queue, 1])),
    pollInterval: '200ms',
    forwardInterval: '500ms',
    janitorInterval: '100ms', // its first pass comes one interval after the start
  });
  // Each duty looks at each queue once before it rests; the last of them is that of the janitor.
  const looks = 5 * queues.length;
  await until(async () => (await calls('exists')) >= looks);
  return server;
}

test('an idle server sends at most two commands a second for each queue, and four more', async () => {
  await redis.client.config('RESETSTAT');
  const server = await settledServer(['alone']);
  const before = await commands();
  await sleep(SECONDS * 1_000);
  const sent = (await commands()) - before - 1;
  // Heartbeats come every five seconds, so that of three seconds all or nothing of one may be in it.
  assert.ok(sent <= SECONDS * (2 + 4) + 12, `${sent} commands`);
  await server.shutdown();
});

test('twenty idle queues cost hardly more than one, by three connections', async () => {
  await redis.client.config('RESETSTAT');
  const server = await settledServer(many);
  const before = await commands();
  await sleep(SECONDS * 1_000);
  const sent = (await commands()) - before - 1;
  // One look a second for each queue would be the most: the watch is not trusted for ever.
  assert.ok(sent <= SECONDS * (4 + 1.5 * many.length) + 12, `${sent} commands`);
  const list = String(await redis.client.client('LIST'));
  const others = list.split('\n').filter((line) => line !== '' && !line.includes('cmd=client'));
  const clients = 1; // the one that enqueues connects when it is first used
  assert.ok(others.length <= 3 + clients, list);
  await server.shutdown();
});

test('a task in one of many queues costs what it costs in that queue alone', async () => {
  await redis.client.config('RESETSTAT');
  const server = await settledServer(many);
  const costs: number[] = [];
  for (const queue of ['many3', 'many17']) {
    const { pending } = queueKeys(queue);
    const before = await calls('llen');
    const done = next(server, 'succeeded');
    await client.enqueue({ type: 'ok' }, { queue });
    assert.equal((await done).task.queue, queue);
    assert.equal(await redis.client.llen(pending), 0);
    costs.push((await calls('llen')) - before);
  }
  // A lease asks for the length of its queue, and there are two or three of them for a task: not one per queue.
  assert.ok(Math.max(...costs) < many.length / 2, `${costs.join(' and ')} times`);
  await server.shutdown();
});

test('a task that is due in an hour, and a lease that is not over, are not asked for again and again', async () => {
  await redis.client.config('RESETSTAT');
  const server = await settledServer(['later']);
  const { lease, active, scheduled } = queueKeys('later');
  const { id } = await client.enqueue({ type: 'ok' }, { queue: 'later', processIn: '1h' });
  await redis.client.zadd(lease, Math.ceil(Date.now() / 1_000) + 600, 'somebody');
  await redis.client.lpush(active, 'somebody');
  // What was changed is looked at once: the forwarder reads one score, the recoverer one as well.
  await until(async () => (await calls('zcard')) >= 1);
  await sleep(600);
  const before = await calls('zrangebyscore');
  await sleep(SECONDS * 1_000);
  assert.equal((await calls('zrangebyscore')) - before, 0);
  assert.equal((await redis.client.zscore(scheduled, id)) !== null, true);
  await redis.client.del(lease, active);
  await server.shutdown();
});
