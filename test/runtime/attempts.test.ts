/** What can be seen of a task's attempts, while they run and afterwards. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import type { TaskRecords } from '../../src/task-records.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { BEGUN_FIELD, LEASE_FIELD, STARTED_FIELD } from '../../src/wire/task-fields.ts';
import { decodeRecords } from '../../src/wire/task-records.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, recordingLogger, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const broker = createRedisBroker({ redis: redis.url, connectTimeoutMs: 5_000 });
after(() => broker.close());
const folder = mkdtempSync(join(tmpdir(), 'threadmill-attempts-'));
after(() => rmSync(folder, { recursive: true }));

const { logger } = recordingLogger();
/** Leases are extended, and what was reported is written, every two seconds. */
const options = {
  logger,
  logLevel: 'info',
  handlers: fixture('attempts'),
  leaseDuration: '10s',
} as const;
const LONG_MS = 30_000;

async function recordsOf(queue: string, id: string): Promise<TaskRecords> {
  return decodeRecords((await broker.getTask(queue, id))?.records ?? {});
}

async function fieldsOf(queue: string, id: string): Promise<Record<string, string>> {
  return redis.client.hgetall(queueKeys(queue).task(id));
}

test('a task that fails twice and then succeeds shows three attempts, its last words and how long it took', async () => {
  const queue = 'third';
  const server = await fleet.start({ ...options, queues: [queue], retryDelay: () => 0 });
  const done = next(server, 'succeeded');
  const threads = collect(server, 'started', 3);
  const { id } = await client.enqueue({ type: 'third' }, { queue, retention: '1h' });
  const { runMs } = await done;
  const { attempts, progress, logs, runMs: keptMs } = await recordsOf(queue, id);
  assert.deepEqual(
    attempts.map(({ outcome, error }) => [outcome, error]),
    [
      ['retry', 'failure 1'],
      ['retry', 'failure 2'],
      ['ok', undefined],
    ],
  );
  assert.deepEqual(
    attempts.map(({ thread }) => thread),
    (await threads).map(({ threadId }) => threadId),
  );
  const [address] = await broker.localServers(hostname());
  assert.deepEqual(new Set(attempts.map((each) => each.server)), new Set([address]));
  for (const [index, { startedAt, endedAt, durationMs }] of attempts.entries()) {
    assert.ok(durationMs >= 25 && durationMs < LONG_MS, `${durationMs}`);
    assert.equal(+endedAt - +startedAt, durationMs);
    assert.ok(Math.abs(Date.now() - +endedAt) < LONG_MS);
    assert.ok(+startedAt >= +(attempts[index - 1]?.endedAt ?? 0) - 5, 'one after the other');
  }
  assert.deepEqual([keptMs, attempts[2]?.durationMs], [Math.round(runMs), Math.round(runMs)]);
  assert.deepEqual(progress, { done: 2 });
  assert.deepEqual(
    logs.map(({ level, text }) => [level, text]),
    [
      ['info', 'at work {"attempt":3}'],
      ['info', 'nearly there'],
    ],
  );
  assert.deepEqual((await client.getTask({ queue, id }))?.progress, { done: 2 });
});

test('progress and log lines of a running task can be read within seconds, and afterwards', async () => {
  const queue = 'gated';
  const path = join(folder, queue);
  const server = await fleet.start({ ...options, queues: [queue] });
  const { id } = await client.enqueue(
    { type: 'gated', payload: { path } },
    { queue, retention: '1h' },
  );
  const texts = async (): Promise<string[]> =>
    (await recordsOf(queue, id)).logs.map(({ text }) => text);
  await until(async () => (await texts()).length === 1, LONG_MS);
  await until(async () => (await client.getTask({ queue, id }))?.progress !== undefined, LONG_MS);
  assert.deepEqual((await client.getTask({ queue, id }))?.progress, { step: 1 });
  assert.match(
    (await fieldsOf(queue, id))[STARTED_FIELD] ?? '',
    /^\d{13} \d+ \S+:\d+:[-0-9a-f]{36}$/,
  );
  writeFileSync(`${path}.more`, '');
  await until(async () => (await texts()).length === 2, LONG_MS);
  const found = await recordsOf(queue, id);
  assert.deepEqual(
    [found.progress, await texts(), found.attempts],
    [{ step: 2 }, ['begins', 'goes on'], []],
  );
  const done = next(server, 'succeeded');
  writeFileSync(`${path}.end`, '');
  await done;
  const kept = await recordsOf(queue, id);
  assert.deepEqual([kept.progress, kept.logs.length, kept.attempts.length], [{ step: 2 }, 2, 1]);
  assert.equal((await fieldsOf(queue, id))[STARTED_FIELD], undefined);
});

test('a task that is deleted while it runs stays deleted, whatever it reports', async () => {
  const queue = 'deleted';
  const server = await fleet.start({ ...options, queues: [queue] });
  const running = next(server, 'progress');
  const stopping = next(server, 'stopping');
  const lost = next(server, 'lost');
  const { id } = await client.enqueue({ type: 'wait' }, { queue, retention: '1h' });
  await running;
  await redis.client.del(queueKeys(queue).task(id));
  assert.equal((await stopping).reason, 'lease_lost');
  await lost;
  assert.equal(await redis.client.exists(queueKeys(queue).task(id)), 0);
});

test('a task that fails because no handler is there shows an attempt that took no time', async () => {
  const queue = 'unbegun';
  const server = await fleet.start({ ...options, queues: [queue], retryDelay: () => '1h' });
  const failed = next(server, 'retried');
  const { id } = await client.enqueue({ type: 'nobody-knows-it' }, { queue });
  await failed;
  const { attempts } = await recordsOf(queue, id);
  assert.deepEqual(
    attempts.map(({ outcome, durationMs, thread }) => [outcome, durationMs, thread]),
    [['retry', 0, undefined]],
  );
  assert.match(attempts[0]?.error ?? '', /nobody-knows-it/);
});

test('a task that a shutdown gives back shows the attempt that was cut short, one that had not begun none', async () => {
  const queue = 'given-back';
  const server = await fleet.start({
    ...options,
    queues: [queue],
    shutdownTimeout: 10,
    concurrency: 1,
  });
  const running = next(server, 'progress');
  const { id } = await client.enqueue({ type: 'wait' }, { queue });
  await running;
  const waiting = await client.enqueue({ type: 'wait' }, { queue });
  await server.shutdown();
  const { attempts, progress, logs } = await recordsOf(queue, id);
  assert.deepEqual(
    [
      attempts.map(({ outcome, error }) => [outcome, error]),
      progress,
      logs.map(({ text }) => text),
    ],
    [[['requeued', undefined]], 'waiting', ['waits']],
  );
  assert.deepEqual(Object.keys(await fieldsOf(queue, waiting.id)).sort(), [
    'msg',
    'pending_since',
    'state',
  ]);
});

test('a task without retention that succeeds is gone with everything, and one that says nothing gets no report', async () => {
  const queue = 'quiet';
  const server = await fleet.start({ ...options, queues: [queue] });
  const done = collect(server, 'succeeded', 2);
  const gone = await client.enqueue({ type: 'quiet' }, { queue });
  const kept = await client.enqueue({ type: 'quiet' }, { queue, retention: '1h' });
  await done;
  assert.deepEqual(await fieldsOf(queue, gone.id), {});
  const { msg: _message, ...fields } = await fieldsOf(queue, kept.id);
  assert.deepEqual(Object.keys(fields).sort(), [
    'state',
    'threadmill_attempts',
    'threadmill_run_ms',
  ]);
});

test('an attempt whose server was killed is in the history, with its start, server and thread', {
  skip: process.platform !== 'linux',
}, async () => {
  const queue = 'killed';
  const child = startServer(queue);
  const { id } = await client.enqueue({ type: 'wait' }, { queue, retention: '1h' });
  await until(async () => STARTED_FIELD in (await fieldsOf(queue, id)), LONG_MS);
  const started = Number((await fieldsOf(queue, id))[STARTED_FIELD]?.split(' ')[0]);
  const other = await fleet.start({ ...options, queues: [queue], retryDelay: () => '1h' });
  const retried = next(other, 'retried');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await retried;
  const [attempt, ...others] = (await recordsOf(queue, id)).attempts;
  assert.deepEqual(
    [+(attempt?.startedAt ?? 0), attempt?.outcome, attempt?.error, others],
    [started, 'retry', 'asynq: task lease expired', []],
  );
  assert.match(attempt?.server ?? '', new RegExp(`^${hostname()}:${child.pid}:`));
  assert.ok(Number(attempt?.thread) > 0);
});

test('an attempt whose lease ran out is in the history if it was one of ours, whoever recovers it', async () => {
  const queue = 'expired';
  const keys = queueKeys(queue);
  const [ours, unnoted, gos] = await Promise.all(
    ['ours', 'unnoted', 'gos'].map((taskId) =>
      client.enqueue({ type: 'quiet' }, { queue, taskId, processIn: '1h' }),
    ),
  );
  const ended = Math.floor(Date.now() / 1_000) - 40;
  for (const task of [ours, unnoted, gos]) {
    const id = task?.id ?? '';
    await redis.client.zrem(keys.scheduled, id);
    await redis.client.lpush(keys.active, id);
    await redis.client.zadd(keys.lease, ended, id);
    await redis.client.hset(keys.task(id), 'state', 'active');
  }
  const token = { [LEASE_FIELD]: `a-uuid@boot.1.77.1 7 ${ended}`, [BEGUN_FIELD]: '1' };
  const started = { [STARTED_FIELD]: `${ended * 1_000 - 5_000} 3 host:77:a-uuid` };
  await redis.client.hset(keys.task('ours'), { ...token, ...started });
  await redis.client.hset(keys.task('unnoted'), token);
  const server = fleet.make({ ...options, queues: [queue], retryDelay: () => '1h' });
  const retried = collect(server, 'retried', 3);
  await server.start();
  await retried;
  const of = async (id: string): Promise<unknown[]> =>
    (await recordsOf(queue, id)).attempts.map((attempt) => [
      attempt.server,
      attempt.thread,
      attempt.error,
      attempt.durationMs >= 45_000,
    ]);
  const expired = 'asynq: task lease expired';
  assert.deepEqual(await of('ours'), [['host:77:a-uuid', 3, expired, true]]);
  assert.deepEqual(await of('unnoted'), [['?:77:a-uuid', undefined, expired, false]]);
  assert.deepEqual(await of('gos'), [], 'a server in Go keeps no history');
});

/** A server in a process of its own. */
function startServer(queue: string): ChildProcess {
  const program = fileURLToPath(new URL('../helpers/run-server.js', import.meta.url));
  const given = JSON.stringify({ queues: [queue], leaseDuration: '10m' });
  const child = spawn(process.execPath, [program, redis.url, fixture('attempts'), given], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  return child;
}
