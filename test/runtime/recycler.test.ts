/** Threads that have run long enough are replaced, one at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../../src/index.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client } = fleet;

/** The smallest number of ready threads from now on, asked at every chance. */
function watchStrength(server: Server): () => number {
  let least = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    least = Math.min(least, server.snapshot().threadsReady);
  }, 1);
  return () => {
    clearInterval(timer);
    return least;
  };
}

test('after so many tasks each thread is replaced, and never more than one is missing', async () => {
  const queue = 'tasks';
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 3,
    recycle: { tasks: 5 },
  });
  const leastReady = watchStrength(server);
  const exited = collect(server, 'threadExited', 3);
  const work = async (): Promise<'done'> => {
    const done = collect(server, 'succeeded', 60);
    await client.enqueueMany(
      Array.from({ length: 60 }, () => ({ task: { type: 'good' }, options: { queue } })),
    );
    await done;
    return 'done';
  };
  // Until each of the three has had its five: on a busy machine two may do nearly all of the work.
  while ((await Promise.race([exited, work()])) === 'done');
  const threads = (await exited).map(({ threadId }) => threadId);
  assert.equal(new Set(threads).size, 3);
  await until(() => server.snapshot().threadsReady === 3);
  assert.ok(leastReady() >= 2, 'one at a time');
});

test('a thread that is over its age ends its task first', async () => {
  const queue = 'age';
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 1,
    recycle: 'age=1s',
    cancelGrace: 5_000,
    retryDelay: () => '1h',
  });
  const running = next(server, 'progress');
  await client.enqueue({ type: 'wait' }, { queue, timeout: '3s' });
  await running;
  const requeued: string[] = [];
  server.on('requeued', ({ task }) => requeued.push(task.id));
  const exited = next(server, 'threadExited');
  // It runs its whole time, long after its thread has become too old.
  assert.equal((await next(server, 'failed')).reason, 'timeout');
  await exited;
  assert.deepEqual(requeued, []);
  await until(() => server.snapshot().threadsReady === 1);
  const done = next(server, 'succeeded');
  await client.enqueue({ type: 'good' }, { queue });
  await done;
});
