/** A shutdown keeps its time, whatever is in its way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/index.ts';
import { givenTimeOf } from '../helpers/given-time.ts';
import { fixture } from '../helpers/paths.ts';
import { next, useFleet } from '../helpers/server.ts';
import { useRedis } from '../helpers/redis.ts';

const hanging = await useRedis();
const fleet = await useFleet();

test("a handler's own longer grace is cut to the server's", async () => {
  const queue = 'patient';
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: [queue],
    shutdownTimeout: 100,
    cancelGrace: 200,
  });
  const running = next(server, 'progress');
  const requeued = next(server, 'requeued');
  const task = { type: 'patient', payload: { cleanUpMs: 2_900 } };
  await fleet.client.enqueue(task, { queue });
  await running;
  const ms = await givenTimeOf(async () => {
    assert.deepEqual(await server.shutdown(), { stillRunning: [] });
  });
  assert.ok(ms < 100 + 200 + 1_000, `${ms} ms`);
  assert.equal((await requeued).reason, 'shutdown');
});

test('with a Redis that hangs the handlers are told all the same, and have their grace', async () => {
  const client = new Client({ redis: hanging.url });
  const server = await fleet.start({
    redis: hanging.url,
    handlers: fixture('hostile'),
    shutdownTimeout: 100,
    cancelGrace: 500,
  });
  const running = next(server, 'progress');
  const { id } = await client.enqueue({ type: 'wait' });
  await running;
  process.kill(hanging.pid, 'SIGSTOP');
  try {
    const stopping = next(server, 'stopping');
    const ms = await givenTimeOf(async () => {
      const ended = server.shutdown();
      assert.equal((await stopping).task.id, id);
      assert.deepEqual(await ended, { stillRunning: [] });
    });
    assert.ok(ms < 100 + 500 + 1_000, `${ms} ms`);
  } finally {
    process.kill(hanging.pid, 'SIGCONT');
    await client.close();
  }
});
