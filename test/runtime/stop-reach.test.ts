/** A stop finds its task wherever it is, and no other. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CANCEL_FIELD, SUSPECT_FIELD } from '../../src/wire/task-fields.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const folder = mkdtempSync(join(tmpdir(), 'threadmill-reach-'));
after(() => rmSync(folder, { recursive: true }));

test('a cancel after the end leaves the next attempt alone', async () => {
  const queue = 'again';
  const own = await fleet.start({ handlers: fixture('hostile'), queues: [queue], concurrency: 1 });
  const done = next(own, 'succeeded');
  const { id } = await client.enqueue({ type: 'good' }, { queue, retention: '1h' });
  await done;
  assert.equal(await client.cancel(id), 0);
  assert.equal(await redis.client.hexists(queueKeys(queue).task(id), CANCEL_FIELD), 0);
});

test('a cancel whose message was missed takes effect by its mark, which goes with the attempt', async () => {
  const queue = 'marked';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 1,
    leaseDuration: '10s',
    retryDelay: () => '1h',
  });
  const running = next(own, 'progress');
  const failed = next(own, 'failed');
  const { id } = await client.enqueue({ type: 'obey' }, { queue });
  await running;
  await redis.client.hset(queueKeys(queue).task(id), CANCEL_FIELD, '1');
  assert.equal((await failed).reason, 'canceled');
  assert.equal(await redis.client.hexists(queueKeys(queue).task(id), CANCEL_FIELD), 0);
});

test('a task that is leased and waits here is canceled at once, and never begins', async () => {
  const queue = 'held';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    retryDelay: () => '1h',
  });
  const path = join(folder, 'held');
  const begun: string[] = [];
  own.on('started', ({ task }) => begun.push(task.id));
  const running = next(own, 'progress');
  const first = await client.enqueue({ type: 'gated', payload: { path } }, { queue });
  await running;
  // A suspect waits for all others to end.
  const held = await client.enqueue({ type: 'good' }, { queue, processIn: '1s' });
  await redis.client.hset(queueKeys(queue).task(held.id), SUSPECT_FIELD, '1');
  await until(() => own.snapshot().active === 2);
  const failed = next(own, 'failed');
  await client.cancel(held.id);
  const { task, reason } = await failed;
  assert.deepEqual([task.id, reason], [held.id, 'canceled']);
  assert.deepEqual([own.snapshot().active, begun], [1, [first.id]]);
  const done = next(own, 'succeeded');
  closeSync(openSync(path, 'w'));
  await done;
});

test('a shutdown gives tasks that wait here back at once, and lets running ones finish', async () => {
  const queue = 'ending';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    shutdownTimeout: '1m',
  });
  const path = join(folder, 'ending');
  const running = next(own, 'progress');
  await client.enqueue({ type: 'gated', payload: { path } }, { queue });
  await running;
  const held = await client.enqueue({ type: 'good' }, { queue, processIn: '1s' });
  await redis.client.hset(queueKeys(queue).task(held.id), SUSPECT_FIELD, '1');
  await until(() => own.snapshot().active === 2);
  const requeued = next(own, 'requeued');
  const done = next(own, 'succeeded');
  const ended = own.shutdown();
  assert.equal((await requeued).task.id, held.id);
  assert.equal(await redis.client.lindex(queueKeys(queue).pending, -1), held.id);
  assert.equal(await redis.client.hget(queueKeys(queue).task(held.id), SUSPECT_FIELD), '1');
  closeSync(openSync(path, 'w'));
  await done;
  assert.deepEqual(await ended, { stillRunning: [] });
});

test('a cancel that comes before any thread is there is not lost', async () => {
  const queue = 'booting';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 1,
    retryDelay: () => '1h',
  });
  // The only thread ends, and the next task is leased while its replacement boots.
  const exited = next(own, 'failed');
  await client.enqueue({ type: 'exit' }, { queue });
  const { id } = await client.enqueue({ type: 'wait' }, { queue });
  await exited;
  const failed = next(own, 'failed');
  await until(() => own.snapshot().active === 1);
  assert.equal(await client.cancel(id), 1);
  const { task, reason } = await failed;
  assert.deepEqual([task.id, reason], [id, 'canceled']);
});

test('of three tasks that share a thread one is canceled by itself, if it obeys', async () => {
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: ['shared'],
    concurrency: 3,
    tasksPerThread: 3,
    retryDelay: () => '1h',
  });
  const path = join(folder, 'shared');
  const running = collect(own, 'progress', 3);
  const gated = { type: 'gated', payload: { path } };
  const [one] = await client.enqueueMany(
    [{ type: 'wait' }, gated, gated].map((task) => ({ task, options: { queue: 'shared' } })),
  );
  assert.ok(one?.ok);
  await running;
  const failed = next(own, 'failed');
  await client.cancel(one.info.id);
  assert.equal((await failed).task.id, one.info.id);
  assert.equal(own.snapshot().active, 2);
  const done = collect(own, 'succeeded', 2);
  closeSync(openSync(path, 'w'));
  assert.deepEqual(
    (await done).map(({ task }) => task.retried),
    [0, 0],
  );
});

test('of three tasks that share a thread a deaf one costs the others nothing', async () => {
  const queue = 'deaf';
  const own = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 3,
    tasksPerThread: 3,
    retryDelay: () => '1h',
  });
  const path = join(folder, 'deaf');
  const running = collect(own, 'progress', 3);
  const gated = { type: 'gated', payload: { path } };
  const [one, ...others] = await client.enqueueMany(
    [{ type: 'promise' }, gated, gated].map((task) => ({ task, options: { queue } })),
  );
  assert.ok(one?.ok);
  await running;
  const failed = next(own, 'failed');
  const requeued = collect(own, 'requeued', 2);
  const again = collect(own, 'started', 2);
  await client.cancel(one.info.id);
  assert.equal((await failed).task.id, one.info.id);
  assert.deepEqual(
    (await requeued).map(({ reason }) => reason),
    ['thread_died', 'thread_died'],
  );
  await again;
  const done = collect(own, 'succeeded', 2);
  closeSync(openSync(path, 'w'));
  const succeeded = (await done).map(({ task }) => task);
  const ids = others.map((each) => each.ok && each.info.id);
  assert.deepEqual(succeeded.map(({ id }) => id).sort(), ids.sort());
  assert.deepEqual(
    succeeded.map(({ retried }) => retried),
    [0, 0],
  );
});
