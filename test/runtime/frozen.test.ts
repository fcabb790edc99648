/** A process that was frozen for longer than its leases touches nothing that others run by now. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys } from '../../src/wire/keys.ts';
import { LEASE_FIELD } from '../../src/wire/task-fields.ts';
import { fixture } from '../helpers/paths.ts';
import { queueState } from '../helpers/queue-state.ts';
import { next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const folder = mkdtempSync(join(tmpdir(), 'threadmill-frozen-'));
after(() => rmSync(folder, { recursive: true }));
const program = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));

function launch(queues: readonly string[]): ChildProcess {
  const options = JSON.stringify({ queues, concurrency: 2, leaseDuration: '10s' });
  const child = spawn(process.execPath, [program, redis.url, fixture('leases'), options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  return child;
}

/** Whoever takes the task over as Go does, when its lease is over (protocol 9.5, 10.1, 9.1). */
async function goTakesOver(queue: string, id: string): Promise<void> {
  const keys = queueKeys(queue);
  const [seconds] = await redis.client.time();
  await redis.client
    .multi()
    .hset(keys.task(id), 'state', 'active')
    .zadd(keys.lease, Number(seconds) + 600, id)
    .exec();
}

test('frozen for longer than its lease, a process stops at once when it goes on, and settles nothing', async () => {
  const [ours, theirs] = ['ours', 'theirs'];
  const frozen = launch([ours, theirs]);
  const files = (name: string) => ({
    ticks: join(folder, name),
    gate: join(folder, `${name}-gate`),
  });
  const ids = await Promise.all(
    [ours, theirs].map(async (queue) => {
      const task = { type: 'tick', payload: files(queue) };
      return (await client.enqueue(task, { queue, retention: '1h', timeout: '5m' })).id;
    }),
  );
  const [ourId = '', theirId = ''] = ids;
  const ticksOf = (name: string): string[] => {
    try {
      return readFileSync(files(name).ticks, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  await until(() => ticksOf(ours).length > 100 && ticksOf(theirs).length > 100, 30_000);
  // Noted as begun, so that its loss costs an attempt.
  await until(
    async () => (await redis.client.hexists(queueKeys(ours).task(ourId), 'threadmill_begun')) === 1,
  );

  frozen.kill('SIGSTOP');
  const other = await fleet.start({
    handlers: fixture('leases'),
    queues: [ours],
    leaseDuration: '10s',
    retryDelay: () => 0,
  });
  const retried = next(other, 'retried');
  const secondBegun = next(other, 'progress');
  assert.equal((await retried).task.id, ourId);
  await secondBegun;
  await goTakesOver(theirs, theirId);
  const token = await redis.client.hget(queueKeys(theirs).task(theirId), LEASE_FIELD);
  assert.ok(token?.includes(`.${frozen.pid}.`), 'Go leaves our token behind');
  const before = await queueState(redis.client, theirs);

  frozen.kill('SIGCONT');
  const wentOnAt = Date.now();
  let last = 0;
  // It is gone when nothing is written any more.
  await until(async () => {
    const count = ticksOf(ours).length + ticksOf(theirs).length;
    const isStill = count === last;
    last = count;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    return isStill;
  });
  const late = [ours, theirs].map((name) => Number(ticksOf(name).at(-1)) - wentOnAt);
  process.stdout.write(`went on for ${late.join(' and ')} ms after SIGCONT\n`);
  assert.ok(Math.max(...late) < 1_000);

  const done = next(other, 'succeeded');
  writeFileSync(files(ours).gate, '');
  await done;
  const task = await client.getTask({ id: ourId, queue: ours });
  assert.deepEqual([task?.state, task?.retried], ['completed', 1]);
  assert.equal(Buffer.from(task?.result ?? []).toString(), 'second');
  const exited = new Promise((resolve) => frozen.once('exit', resolve));
  frozen.kill('SIGTERM');
  await exited;
  assert.deepEqual(await queueState(redis.client, theirs), before);
});
