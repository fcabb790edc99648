import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { fixture } from '../helpers/paths.ts';
import { startThread, type ThreadHarness } from '../helpers/worker-harness.ts';

const acts = fixture('threads/contain.js');
const thread = await startThread();

function resultOf(outcome: TaskOutcome): unknown {
  assert.ok(outcome.kind === 'returned' && outcome.result, JSON.stringify(outcome));
  return JSON.parse(new TextDecoder().decode(outcome.result));
}

/** The process is there: this throws where it is not. */
function assertAlive(pid: number): void {
  process.kill(pid, 0);
}

function exits(harness: ThreadHarness, pid: number): Promise<unknown> {
  return harness.untilFound(
    (message): message is typeof message & { kind: 'exited' } =>
      message.kind === 'exited' && message.pid === pid,
  );
}

test('a process is told of at once, though the code after the spawn never yields', async () => {
  const run = thread.hand(acts, { type: 'spawnAndSpin' });
  const { pid } = await thread.until('spawned', run.run);
  assertAlive(pid);
  await thread.until('progress', run.run);
  assert.deepEqual(thread.progress(run.run), [pid]);
  assert.deepEqual(thread.order(run.run), ['begun', 'spawned', 'progress']);
  thread.stop(run.run, 'canceled');
  assert.equal(resultOf(await run.outcome), pid);
  await exits(thread, pid);
});

test('spawn, exec, execFile and fork are told of, each with its end', async () => {
  const run = thread.hand(acts, { type: 'spawnAll' });
  const pids = resultOf(await run.outcome);
  const spawned = thread.all('spawned').filter((message) => message.run === run.run);
  assert.deepEqual(
    spawned.map(({ pid }) => pid),
    pids,
  );
  await Promise.all(spawned.map(({ pid }) => exits(thread, pid)));
});

test('a process that could not be started is not told of', async () => {
  const run = thread.hand(acts, { type: 'spawnFails' });
  assert.equal(new TextDecoder().decode(await bytesOf(run.outcome)), 'ENOENT');
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome']);
});

test('a process outlives a run that ends by itself, and its thread says when it ends', async () => {
  const run = thread.hand(acts, { type: 'spawnAndReturn' });
  const pid = Number(resultOf(await run.outcome));
  await thread.run(acts); // the thread lives on
  assertAlive(pid);
  process.kill(pid, 'SIGKILL');
  await exits(thread, pid);
});

test('a process started after the run was over belongs to no run', async () => {
  const run = thread.hand(acts, { type: 'spawnLater' });
  await run.outcome;
  const { pid } = await thread.until('spawned', 0);
  await exits(thread, pid);
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome']);
});

async function bytesOf(outcome: Promise<TaskOutcome>): Promise<Uint8Array | undefined> {
  const ended = await outcome;
  return ended.kind === 'returned' ? ended.result : undefined;
}
