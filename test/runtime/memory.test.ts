/** Memory over `maxTaskMemoryMb` is noticed whatever it is made of, before V8's own limit ends the process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client } = fleet;

for (const what of ['arrays', 'map', 'json', 'split', 'buffers']) {
  test(`${what}: the task is stopped, and the next one runs`, async () => {
    const queue = what;
    // Each on a server of its own: where only the memory of the whole process is known, it begins anew.
    const server = await fleet.start({
      handlers: fixture('hostile'),
      queues: [queue],
      concurrency: 1,
      maxTaskMemoryMb: 96,
      cancelGrace: 50,
      retryDelay: () => '1h',
    });
    const failed = next(server, 'failed');
    const { id } = await client.enqueue({ type: 'grow', payload: { what } }, { queue });
    const { task, reason, error } = await failed;
    assert.deepEqual([task.id, reason, error.message], [id, 'memory', 'memory limit exceeded']);
    const done = next(server, 'succeeded');
    await client.enqueue({ type: 'good' }, { queue });
    await done;
    await server.shutdown();
  });
}

test('of several that share a thread each becomes a suspect, and the one that grows is found alone', async () => {
  const queue = 'shared';
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 2,
    tasksPerThread: 2,
    maxTaskMemoryMb: 96,
    cancelGrace: 50,
    retryDelay: () => '1h',
  });
  const begun = next(server, 'progress');
  const waits = await client.enqueue({ type: 'wait' }, { queue, timeout: '8s' });
  await begun;
  const suspects = collect(server, 'requeued', 2);
  const failed = next(server, 'failed', ({ reason }) => reason === 'memory');
  const grows = await client.enqueue({ type: 'grow', payload: { what: 'buffers' } }, { queue });
  const requeued = await suspects;
  assert.deepEqual(requeued.map(({ task }) => task.id).sort(), [waits.id, grows.id].sort());
  assert.ok(requeued.every(({ reason, task }) => reason === 'suspect' && task.retried === 0));
  // Whichever runs first runs alone: the one that waits until its timeout, the other until its memory is noticed.
  assert.equal((await failed).task.id, grows.id);
  await until(() => server.snapshot().active <= 1);
});

test('memory that an earlier task left behind costs the next one nothing', async () => {
  const queue = 'left';
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    concurrency: 1,
    maxTaskMemoryMb: 96,
    cancelGrace: 50,
    retryDelay: () => '1h',
  });
  const failures: string[] = [];
  server.on('failed', ({ error }) => failures.push(error.message));
  const left = next(server, 'succeeded');
  await client.enqueue({ type: 'leave', payload: { mb: 70 } }, { queue });
  await left;
  const requeued: string[] = [];
  server.on('requeued', ({ reason }) => requeued.push(reason));
  const done = next(server, 'succeeded');
  const task = { type: 'hold', payload: { mb: 60, ms: 1_500 } };
  const { id } = await client.enqueue(task, { queue });
  assert.deepEqual([(await done).task.id, failures], [id, []]);
  // Where only the process is known, what the tests before have left may hide it.
  if ('getHeapStatistics' in Worker.prototype) assert.deepEqual(requeued, ['suspect']);
});
