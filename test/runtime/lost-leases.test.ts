/** What was leased by a call whose reply never came is nobody's, unless the server looks for it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Server } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { RETURNS_FIELD } from '../../src/wire/task-fields.ts';
import { swallowingProxy } from '../helpers/proxy.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const proxy = await swallowingProxy(redis.socket);
after(() => proxy.close());

const folder = mkdtempSync(join(tmpdir(), 'threadmill-lost-'));
after(() => rmSync(folder, { recursive: true }));

/** With a lease that ends long after the test: no recoverer could help. */
const OPTIONS = {
  redis: proxy.url,
  handlers: fixture('hostile'),
  leaseDuration: '10m',
  connectTimeout: '1s',
  concurrency: 1,
} as const;

/** Lets the server lease a task without hearing of it; answers the IDs of the task before it and of that one. */
async function loseLease(server: Server, queue: string): Promise<[string, string]> {
  const path = join(folder, queue);
  const running = next(server, 'progress');
  const first = await client.enqueue({ type: 'gated', payload: { path } }, { queue });
  await running;
  const second = await client.enqueue({ type: 'good' }, { queue, retention: '1h' });
  proxy.swallowReplies();
  writeFileSync(path, ''); // its slot is free, and filled at once
  await until(async () => (await stateOf(queue, second.id)) === 'active');
  return [first.id, second.id];
}

function stateOf(queue: string, id: string): Promise<string | null> {
  return redis.client.hget(queueKeys(queue).task(id), 'state');
}

test('a task of a lease whose reply was lost goes back to the front, spends nothing, and runs', async () => {
  const queue = 'lost';
  const keys = queueKeys(queue);
  const server = await fleet.start({ ...OPTIONS, queues: [queue] });
  const started: string[] = [];
  server.on('started', ({ task }) => started.push(task.id));
  const ids = await loseLease(server, queue);
  const done = collect(server, 'succeeded', 2);
  proxy.cut();
  await done;
  assert.deepEqual(started, ids, 'each ran once');
  const [, id] = ids;
  assert.equal((await client.getTask({ id, queue }))?.retried, 0);
  assert.equal(await redis.client.hexists(keys.task(id), RETURNS_FIELD), 0);
  assert.equal(await redis.client.exists(keys.active, keys.lease, keys.pending), 0);
  await server.shutdown();
});

test('a shutdown gives it back as well', async () => {
  const queue = 'ending';
  const keys = queueKeys(queue);
  const server = await fleet.start({ ...OPTIONS, queues: [queue] });
  const [, id] = await loseLease(server, queue);
  const up = next(server, 'redis', ({ isUp }) => isUp);
  await server.stop();
  proxy.cut();
  await up;
  await server.shutdown();
  assert.equal(await stateOf(queue, id), 'pending');
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [id]);
  assert.equal(await redis.client.exists(keys.active, keys.lease), 0);
});

test('the tasks that it does run are left alone meanwhile', async () => {
  const queue = 'busy';
  const server = await fleet.start({ ...OPTIONS, concurrency: 2, queues: [queue] });
  const running = next(server, 'progress');
  const busy = await client.enqueue({ type: 'wait' }, { queue });
  await running;
  const [, id] = await loseLease(server, queue);
  const done = next(server, 'succeeded', ({ task }) => task.id === id);
  proxy.cut();
  await done;
  assert.deepEqual(await redis.client.lrange(queueKeys(queue).active, 0, -1), [busy.id]);
  await server.shutdown();
});
