/** Tasks of a process of this machine that has ended are recovered at once, without waiting for their leases. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, LEASE_FIELD, RETURNS_FIELD } from '../../src/wire/task-fields.ts';
import { decodeTaskMessage } from '../../src/wire/task-message.ts';
import { fixture } from '../helpers/paths.ts';
import { next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const program = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
const isLinux = process.platform === 'linux';

/** A server in a process of its own. Resolves with it when it has begun a task of this type. */
async function begin(queue: string): Promise<{ child: ChildProcess; id: string }> {
  const options = JSON.stringify({ queues: [queue], leaseDuration: '10m' });
  const child = spawn(process.execPath, [program, redis.url, fixture('leases'), options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const { id } = await client.enqueue({ type: 'wait' }, { queue });
  for await (const line of lines) if (line === `began ${id}`) break;
  lines.close();
  child.stdout.resume();
  return { child, id };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function isLeased(queue: string, id: string): Promise<boolean> {
  const [score, [seconds]] = await Promise.all([
    redis.client.zscore(queueKeys(queue).lease, id),
    redis.client.time(),
  ]);
  return Number(score) > Number(seconds) + 60;
}

test('a begun task of a process that was killed spends an attempt, long before its lease ends', {
  skip: !isLinux,
}, async () => {
  const queue = 'begun';
  const keys = queueKeys(queue);
  const { child, id } = await begin(queue);
  await until(async () => (await redis.client.hexists(keys.task(id), BEGUN_FIELD)) === 1);
  const other = await fleet.start({ queues: [queue], retryDelay: () => '1h' });
  assert.ok(await isLeased(queue, id));
  const retried = next(other, 'retried');
  await kill(child);
  assert.equal((await retried).task.id, id);
  const bytes = await redis.client.hgetBuffer(keys.task(id), 'msg');
  const message = decodeTaskMessage(bytes ?? Buffer.alloc(0));
  assert.deepEqual([message.retried, message.errorMsg], [1, 'asynq: task lease expired']);
  assert.equal(await redis.client.hexists(keys.task(id), LEASE_FIELD), 0);
});

test('a task that is not known to have begun goes to the front and spends none', {
  skip: !isLinux,
}, async () => {
  const queue = 'unbegun';
  const keys = queueKeys(queue);
  const { child, id } = await begin(queue);
  // As if the kill had been faster than the note, which is written once.
  await until(async () => (await redis.client.hdel(keys.task(id), BEGUN_FIELD)) === 1);
  const behind = [];
  for (const _ of ['runs', 'waits']) behind.push(await client.enqueue({ type: 'wait' }, { queue }));
  const other = fleet.make({ queues: [queue], concurrency: 1, handlers: fixture('leases') });
  const requeued = next(other, 'requeued');
  const started = next(other, 'started');
  await other.start();
  await started; // so that it has no slot for what comes back
  await kill(child);
  assert.deepEqual([(await requeued).task.id, (await requeued).reason], [id, 'process_died']);
  assert.equal(await redis.client.hget(keys.task(id), RETURNS_FIELD), '1');
  const bytes = await redis.client.hgetBuffer(keys.task(id), 'msg');
  assert.equal(decodeTaskMessage(bytes ?? Buffer.alloc(0)).retried, 0);
  // Consumers take from the right.
  assert.deepEqual(await redis.client.lrange(keys.pending, 0, -1), [behind[1]?.id, id]);
});

test('a living process keeps its tasks, whatever becomes of its entry in the list of servers', {
  skip: !isLinux,
}, async () => {
  const queue = 'living';
  const { child, id } = await begin(queue);
  await redis.client.del('asynq:servers', 'asynq:workers');
  const other = await fleet.start({ queues: [queue], recoverInterval: 100 });
  const taken: string[] = [];
  for (const name of ['retried', 'requeued', 'started'] as const)
    other.on(name, () => taken.push(name));
  child.kill('SIGSTOP'); // frozen, not gone
  // The list names its server with a process that is gone: only the token can tell that the real one lives.
  const gone = spawn('true');
  await once(gone, 'exit');
  const token = (await redis.client.hget(queueKeys(queue).task(id), LEASE_FIELD)) ?? '';
  const [serverId] = token.split('@');
  const host = other.address.split(':').slice(0, -2).join(':');
  const entry = `asynq:servers:{${host}:${gone.pid}:${serverId}}`;
  await redis.client.zadd('asynq:servers', 99_999_999_999, entry);
  // It is looked at several times meanwhile.
  await new Promise((resolve) => {
    setTimeout(resolve, 1_000);
  });
  assert.deepEqual(taken, []);
  assert.ok(await isLeased(queue, id));
  child.kill('SIGCONT');
});
