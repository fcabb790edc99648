/** What becomes of the tasks of a fleet whose processes are killed or frozen, seen by others of the queue. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD } from '../../src/wire/task-fields.ts';
import { isRunning } from '../../src/runtime/process-place.ts';
import { fixture } from '../helpers/paths.ts';
import { next, until, useFleet } from '../helpers/server.ts';
import { LONG_MS, useFleets } from './fleet.ts';

const fleets = await useFleets();
const library = await useFleet();
const { redis } = fleets;
const isLinux = process.platform === 'linux';

test('a supervisor that is killed leaves its tasks to another server of the machine, which takes them at once', {
  skip: !isLinux,
}, async () => {
  const queue = 'orphaned';
  const keys = queueKeys(queue);
  const fleet = await fleets.start(queue, { LEASE_DURATION: '10m' });
  const id = await fleet.enqueue('stay');
  const childPid = await fleet.begins(id);
  await until(async () => (await redis.client.hexists(keys.task(id), BEGUN_FIELD)) === 1);
  const other = await library.start({
    redis: redis.url,
    queues: [queue],
    retryDelay: () => '1h',
  });
  const retried = next(other, 'retried');
  process.kill(Number(fleet.run.child.pid), 'SIGKILL');
  assert.equal((await retried).task.id, id);
  assert.equal(isRunning(childPid), false, 'its code has ended before');
  await other.shutdown();
});

test('a child that was frozen in a native call for longer than its lease is gone when it goes on', async () => {
  const queue = 'frozen';
  const fleet = await fleets.start(queue, { LEASE_DURATION: '10s' });
  const id = await fleet.enqueue('sleep', { timeout: '20m' }, { seconds: 600 });
  const childPid = await fleet.begins(id);
  const keys = queueKeys(queue);
  await until(async () => (await redis.client.hexists(keys.task(id), BEGUN_FIELD)) === 1);
  process.kill(childPid, 'SIGSTOP');
  const other = await library.start({
    redis: redis.url,
    handlers: fixture('fleet'),
    queues: [queue],
    retryDelay: () => '1h',
  });
  const retried = next(other, 'retried');
  assert.equal((await retried).task.id, id);
  const before = await redis.client.hgetall(keys.task(id));
  process.kill(childPid, 'SIGCONT');
  const wentOnAt = performance.now();
  await until(() => !isRunning(childPid), LONG_MS);
  process.stdout.write(`gone ${Math.round(performance.now() - wentOnAt)} ms after SIGCONT\n`);
  await fleet.says(({ msg }) => /killing a child process/.test(msg));
  assert.deepEqual(await redis.client.hgetall(keys.task(id)), before, 'it has settled nothing');
  await other.shutdown();
});
