import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  PLACE_CELLS,
  STATE,
  type StopReason,
  type TaskOutcome,
} from '../../src/threads/messages.ts';
import { fixture } from '../helpers/paths.ts';
import { tempModules } from '../helpers/temp-modules.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/acts.js');
const thread = await startThread({ tasksPerThread: 2 });

function messageOf(outcome: TaskOutcome): string {
  return outcome.kind === 'threw' ? outcome.error.message : outcome.kind;
}

const texts: [StopReason, string][] = [
  ['canceled', 'context canceled'],
  ['timeout', 'context deadline exceeded'],
  ['deadline', 'context deadline exceeded'],
  ['lease_lost', 'asynq: task lease expired'],
  ['heartbeat_missed', 'handler heartbeat missed'],
  ['memory', 'memory limit exceeded'],
  ['shutdown', 'server shut down'],
];

for (const [reason, text] of texts) {
  test(`a loop that never yields is stopped with its reason: ${reason}`, async () => {
    const run = thread.hand(acts, { type: 'spin' });
    await thread.until('progress', run.run);
    thread.stop(run.run, reason);
    const outcome = await run.outcome;
    assert.equal(messageOf(outcome), text);
    assert.equal(outcome.kind === 'threw' && outcome.error.code, 'ERR_TASK_CANCELED');
    assert.deepEqual(outcome.kind === 'threw' && outcome.error.properties, { reason });
  });
}

test('ctx.canceled turns true inside a loop, and the signal is aborted with the reason', async () => {
  const run = thread.hand(acts, { type: 'spinCanceled' });
  await thread.until('progress', run.run);
  thread.stop(run.run, 'canceled');
  const outcome = await run.outcome;
  assert.ok(outcome.kind === 'returned' && outcome.result);
  const seen = JSON.parse(new TextDecoder().decode(outcome.result)) as unknown;
  assert.deepEqual(seen, { aborted: true, reason: 'context canceled' });
});

test('a run that comes while another one looks for its stop does not begin within that one', async () => {
  const first = thread.hand(acts, { type: 'spinCanceled' });
  await thread.until('progress', first.run);
  const second = thread.hand(acts, { type: 'spin' });
  thread.stop(first.run, 'canceled');
  const begun = await thread.until('progress', second.run);
  thread.stop(second.run, 'canceled');
  const ended = await thread.until('outcome', first.run);
  assert.ok(thread.said.indexOf(ended) < thread.said.indexOf(begun));
  await second.outcome;
});

test('a handler that leaves fake timers behind does not hold up those after it', async () => {
  const own = await startThread();
  const folder = await tempModules({
    'fakes.js':
      'export default () => { globalThis.setImmediate = globalThis.setTimeout = () => 0; };',
  });
  await own.run(join(folder, 'fakes.js'));
  // Long enough for a turn of the loop between them.
  const runs = Array.from({ length: 4 }, () => own.hand(acts, { type: 'spinFor', payload: 8 }));
  for (const run of runs) assert.equal((await run.outcome).kind, 'returned');
});

test('the signal aborts for code that waits', async () => {
  const run = thread.hand(acts, { type: 'wait' });
  await run.begun;
  thread.stop(run.run, 'timeout');
  assert.equal(messageOf(await run.outcome), 'context deadline exceeded');
});

test('a signal asked for after the stop is aborted already', async () => {
  const run = thread.hand(acts, { type: 'lateSignal' });
  await thread.until('progress', run.run);
  thread.stop(run.run, 'memory');
  assert.equal(messageOf(await run.outcome), 'memory limit exceeded');
});

test('a stop that names another run is ignored', async () => {
  const ended = thread.hand(acts);
  await ended.outcome;
  const run = thread.hand(acts, { type: 'spinFor', payload: 60 });
  await run.begun;
  thread.stop(ended.run, 'canceled');
  thread.port.postMessage({ kind: 'stop', run: 999_999, reason: 'canceled' });
  assert.equal(messageOf(await run.outcome), 'returned');
});

test('a stop hits only its run when two take turns in the thread', async () => {
  const [stopped, other] = [
    thread.hand(acts, { type: 'wait' }),
    thread.hand(acts, { type: 'wait' }),
  ];
  await Promise.all([stopped.begun, other.begun]);
  thread.stop(stopped.run, 'canceled');
  assert.equal(messageOf(await stopped.outcome), 'context canceled');
  thread.stop(other.run, 'shutdown');
  assert.equal(messageOf(await other.outcome), 'server shut down');
});

test('the board says which run has begun in which place, and is empty after a plain success', async () => {
  const board = new Int32Array(thread.hello.board);
  const stateOf = (run: number): number => thread.placeOf(run) * PLACE_CELLS + STATE;
  const waiting = thread.hand(acts, { type: 'wait' });
  await waiting.begun;
  assert.equal(Atomics.load(board, stateOf(waiting.run)), -waiting.run);
  const plain = thread.hand(acts, { type: 'spinFor', payload: 1, keepsResult: false });
  const state = stateOf(plain.run);
  await plain.outcome;
  assert.equal(Atomics.load(board, state), 0);
  thread.stop(waiting.run, 'canceled');
  await waiting.outcome;
});

test('a run that is taken back before it has begun never begins, and those behind it do', async () => {
  const own = await startThread();
  const first = own.hand(acts, { type: 'wait' });
  const [second, third] = [own.hand(acts), own.hand(acts)];
  await first.begun;
  assert.equal(own.withdraw(second.run), true);
  assert.equal(own.withdraw(first.run), false);
  own.stop(first.run, 'canceled');
  await third.outcome;
  assert.deepEqual(own.order(second.run), []);
});

test('throwIfCanceled costs next to nothing while nothing happened', async () => {
  const outcome = await thread.run(acts, { type: 'checkCost' });
  assert.ok(outcome.kind === 'returned' && outcome.result);
  const nanoseconds = Number(new TextDecoder().decode(outcome.result));
  console.log(`throwIfCanceled: ${nanoseconds.toFixed(1)} ns`);
  assert.ok(nanoseconds < 500, `${nanoseconds} ns`); // some 15 alone; other test files share the cores
});
