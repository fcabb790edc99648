/** Whatever a handler does, its task can be stopped, and its slot is free only when its code has ended. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ServerEvents } from '../../src/index.ts';
import { CANCEL_FIELD } from '../../src/wire/task-fields.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { fixture } from '../helpers/paths.ts';
import { collect, next, until, useFleet } from '../helpers/server.ts';

const fleet = await useFleet();
const { client, redis } = fleet;
const keys = queueKeys('default');
const folder = mkdtempSync(join(tmpdir(), 'threadmill-stop-'));
after(() => rmSync(folder, { recursive: true }));

const server = await fleet.start({
  handlers: fixture('hostile'),
  cancelGrace: 200,
  retryDelay: () => '1h',
});

type Failure = ServerEvents['failed'][0];

/** Enqueues the task, waits until its handler runs, and asks for it to be canceled. */
async function cancelRunning(type: string, payload: unknown = {}): Promise<string> {
  const running = next(server, 'progress');
  const { id } = await client.enqueue({ type, payload });
  await running;
  assert.equal(await client.cancel(id), 1);
  return id;
}

async function assertCanceled(id: string, failed: Promise<Failure>): Promise<void> {
  const { task, reason, error } = await failed;
  assert.deepEqual([task.id, reason, error.message], [id, 'canceled', 'context canceled']);
  assert.equal(await redis.client.hget(keys.task(id), 'state'), 'retry');
  assert.equal(await redis.client.hget(keys.task(id), CANCEL_FIELD), null);
}

/** Two tasks run at once, on two threads. */
async function assertFullStrength(): Promise<void> {
  await until(() => server.snapshot().threadsReady === 2 && server.snapshot().active === 0);
  const both = collect(server, 'started', 2);
  const path = join(folder, `gate-${performance.now()}`);
  const done = collect(server, 'succeeded', 2);
  const task = { type: 'gated', payload: { path } };
  await client.enqueueMany([{ task }, { task }]);
  const threads = (await both).map(({ threadId }) => threadId);
  closeSync(openSync(path, 'w'));
  await done;
  assert.equal(new Set(threads).size, 2);
}

for (const type of ['loop', 'regex', 'wasm', 'atomics', 'promise']) {
  test(`${type}: deaf to the stop, it is ended with its thread`, async () => {
    const failed = next(server, 'failed');
    await assertCanceled(await cancelRunning(type), failed);
    await assertFullStrength();
  });
}

test('child: a process that the handler waits for ends with it', async () => {
  const failed = next(server, 'failed');
  const running = next(server, 'progress');
  const { id } = await client.enqueue({ type: 'child' });
  const { pid } = (await running).value as { pid: number };
  process.kill(pid, 0);
  await client.cancel(id);
  await assertCanceled(id, failed);
  await until(() => !isAlive(pid));
  await assertFullStrength();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const fifo = join(folder, 'fifo');
execFileSync('mkfifo', [fifo]);

/** Native calls, and what lets each return. */
const NATIVE: readonly (readonly [string, object, () => void])[] = [
  ['pbkdf2', { rounds: 6_000_000 }, () => undefined],
  ['sleep', { seconds: 3 }, () => undefined],
  ['fifo', { path: fifo }, () => closeSync(openSync(fifo, 'w'))],
];

for (const [type, payload, release] of NATIVE) {
  test(`${type}: in a native call its slot stays taken and its lease is kept, until the call returns`, async () => {
    const failed = next(server, 'failed');
    const stuck = next(server, 'stuck');
    const id = await cancelRunning(type, payload);
    const { task, reason } = await stuck;
    assert.deepEqual([task.id, reason], [id, 'canceled']);
    const { active, stuck: count } = server.snapshot();
    assert.deepEqual([active, count], [1, 1]);
    assert.equal(await redis.client.hget(keys.task(id), 'state'), 'active');
    assert.notEqual(await redis.client.zscore(keys.lease, id), null);
    release();
    await assertCanceled(id, failed);
    assert.equal(server.snapshot().stuck, 0);
    await assertFullStrength();
  });
}

for (const [verdict, event] of [
  ['return', 'succeeded'],
  ['skip', 'archived'],
  ['revoke', 'revoked'],
] as const) {
  test(`an answer within the grace counts: ${verdict} is ${event}`, async () => {
    const ended = next(server, event);
    const id = await cancelRunning('verdict', { verdict });
    assert.equal((await ended).task.id, id);
  });
}

test('any other answer within the grace fails with the reason of the stop', async () => {
  const failed = next(server, 'failed');
  await assertCanceled(await cancelRunning('verdict', { verdict: 'other' }), failed);
});

test("a handler's own grace counts instead of the server's", async () => {
  const done = next(server, 'succeeded');
  const id = await cancelRunning('patient', { cleanUpMs: 600 });
  assert.equal((await done).task.id, id);
});

test('a second cancel changes nothing', async () => {
  const stopping: string[] = [];
  const listener = ({ task }: ServerEvents['stopping'][0]): void => void stopping.push(task.id);
  server.on('stopping', listener);
  const failed = next(server, 'failed');
  const id = await cancelRunning('loop');
  await client.cancel(id);
  await assertCanceled(id, failed);
  await client.cancel(id);
  await assertFullStrength();
  server.off('stopping', listener);
  assert.deepEqual(stopping, [id]);
});

for (const by of ['heartbeat', 'progress']) {
  test(`a handler that gives signs of life by ${by} is left alone, one that stops to is stopped`, async () => {
    const done = next(server, 'succeeded');
    const { id } = await client.enqueue({ type: 'hang', payload: { beats: 10, by } });
    assert.equal((await done).task.id, id);
    const failed = next(server, 'failed');
    const hung = await client.enqueue({ type: 'hang', payload: { beats: 2, by, thenHang: true } });
    const { task, reason, error } = await failed;
    assert.deepEqual([task.id, reason], [hung.id, 'heartbeat_missed']);
    assert.equal(error.message, 'handler heartbeat missed');
    await assertFullStrength();
  });
}

test('a deadline beyond what a timer holds, and no timeout, let a task run', async () => {
  const done = collect(server, 'succeeded', 2);
  const far = new Date(Date.now() + 40 * 86_400_000);
  await client.enqueue({ type: 'good' }, { deadline: far, timeout: '40d' });
  await client.enqueue({ type: 'good' }, { timeout: 0 });
  await done;
});

test('a deadline already past fails without a run', async () => {
  const failed = next(server, 'failed');
  const { id } = await client.enqueue({ type: 'loop' }, { deadline: new Date(Date.now() - 5_000) });
  const { task, reason } = await failed;
  assert.deepEqual([task.id, reason], [id, 'deadline']);
  assert.equal(server.snapshot().active, 0);
});
