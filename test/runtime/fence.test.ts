/** A server that cannot extend a lease has stopped the task when the lease ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD } from '../../src/wire/task-fields.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { fixture } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const hanging = await useRedis();
const fleet = await useFleet();

test('while Redis hangs each task is stopped before its lease ends; it costs one attempt, and nothing is written', async () => {
  const client = new Client({ redis: hanging.url });
  const server = await fleet.start({
    redis: hanging.url,
    handlers: fixture('hostile'),
    leaseDuration: '10s',
    cancelGrace: 500,
    connectTimeout: '1s',
    retryDelay: () => '1h',
  });
  const begun = collect(server, 'progress', 2);
  // One obeys its signal, the other one never looks and is terminated.
  await client.enqueueMany([{ task: { type: 'obey' } }, { task: { type: 'loop' } }]);
  const keys = queueKeys('default');
  // Noted as begun: else their loss would cost nothing.
  const isNoted = async ({ task }: { task: { id: string } }): Promise<boolean> =>
    (await hanging.client.hexists(keys.task(task.id), BEGUN_FIELD)) === 1;
  for (const event of await begun) await until(() => isNoted(event));
  const stopping = collect(server, 'stopping', 2);
  const lost = collect(server, 'lost', 2);
  process.kill(hanging.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  try {
    assert.ok((await stopping).every(({ reason }) => reason === 'lease_lost'));
    const ended = await lost;
    assert.ok(performance.now() - stoppedAt < 10_000, 'the last extension came before');
    assert.equal(server.snapshot().active, 0);
    const retried = collect(server, 'retried', 2);
    process.kill(hanging.pid, 'SIGCONT');
    await retried;
    for (const { task } of ended) {
      const bytes = await hanging.client.hgetBuffer(keys.task(task.id), 'msg');
      const message = decodeTaskMessage(bytes ?? Buffer.alloc(0));
      assert.deepEqual([message.retried, message.errorMsg], [1, 'asynq: task lease expired']);
    }
  } finally {
    process.kill(hanging.pid, 'SIGCONT');
    await client.close();
  }
});

test('a task whose lease somebody else holds is stopped without a grace', async () => {
  const server = await fleet.start({
    handlers: fixture('hostile'),
    queues: ['taken'],
    leaseDuration: '10s',
    cancelGrace: '1m',
  });
  const keys = queueKeys('taken');
  const begun = next(server, 'progress');
  const { id } = await fleet.client.enqueue({ type: 'loop' }, { queue: 'taken' });
  await begun;
  const lost = next(server, 'lost');
  // As a server in Go, which leaves the token alone.
  await fleet.redis.client.zadd(keys.lease, Math.floor(Date.now() / 1_000) + 99, id);
  assert.equal((await lost).task.id, id);
  assert.equal(await fleet.redis.client.hget(keys.task(id), 'state'), 'active');
});
