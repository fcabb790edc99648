import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/acts.js');
const bad = fixture('threads/contain.js');

test('an error thrown by a timer is the outcome of the run that set the timer, and ends the thread', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'lateThrow' });
  const outcome = await run.outcome;
  assert.equal(outcome.kind === 'threw' && outcome.error.message, 'from a timer');
  assert.equal(outcome.kind === 'threw' && outcome.error.code, 'E_TIMER');
  assert.equal(outcome.kind === 'threw' && outcome.failure, 'uncaught');
  const doom = await thread.until('doomed', run.run);
  assert.deepEqual([doom.by, doom.error.message], ['uncaught', 'from a timer']);
  const task = { id: `task-${run.run}`, type: 'lateThrow', queue: 'default', isOver: false };
  assert.deepEqual(doom.task, task);
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome', 'doomed']);
  await thread.ended;
});

test('a late rejection does not undo an outcome, but names its task and ends the thread', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'lateReject', id: 'late', queue: 'images' });
  assert.equal((await run.outcome).kind, 'returned');
  const doom = await thread.until('doomed', run.run);
  assert.deepEqual([doom.by, doom.error.message], ['uncaught', 'nobody waits for this']);
  const task = { id: 'late', type: 'lateReject', queue: 'images', isOver: true };
  assert.deepEqual(doom.task, task);
  await thread.ended;
});

test('an error that belongs to no task names none, and ends the thread', async () => {
  const thread = await startThread();
  // Piscina's own code in the thread throws at a message that is none of its kind.
  thread.pool.threads[0]?.postMessage({ niceIncrement: 0 });
  const doom = await thread.until('doomed', 0);
  assert.deepEqual([doom.by, doom.task], ['uncaught', undefined]);
  await thread.ended;
});

test('a timer that throws again and again does not flood the main thread', async () => {
  const thread = await startThread({ tasksPerThread: 2 });
  const neighbour = thread.hand(acts, { type: 'wait' });
  await neighbour.begun;
  const culprit = thread.hand(bad, { type: 'throwOften' });
  assert.equal((await culprit.outcome).kind, 'returned');
  await until(() => thread.lines(0).some((line) => line.message === '300 times'));
  thread.stop(neighbour.run, 'canceled');
  await thread.ended;
  const dooms = thread.all('doomed');
  assert.equal(dooms.length, 100);
  assert.ok(dooms.every((doom) => doom.run === culprit.run && doom.task?.isOver === true));
});

test('other runs of the thread finish before it ends, and a new one is not begun', async () => {
  const thread = await startThread({ tasksPerThread: 3 });
  const slow = thread.hand(acts, { type: 'sleep', payload: 500 });
  await slow.begun;
  const culprit = thread.hand(acts, { type: 'lateThrow' });
  await thread.until('doomed', culprit.run);
  const late = thread.hand(acts);
  assert.equal((await slow.outcome).kind, 'returned');
  await thread.ended;
  assert.deepEqual(thread.order(late.run), []);
  assert.equal(thread.withdraw(late.run), true); // so that another thread may have it
});

test('an abort listener that throws is the fault of its own run', async () => {
  const thread = await startThread({ tasksPerThread: 2 });
  const [fragile, other] = [
    thread.hand(acts, { type: 'abortThrows' }),
    thread.hand(acts, { type: 'sleep', payload: 100 }),
  ];
  await Promise.all([thread.until('progress', fragile.run), other.begun]);
  thread.stop(fragile.run, 'canceled');
  const outcome = await fragile.outcome;
  assert.equal(outcome.kind === 'threw' && outcome.error.message, 'thrown by an abort listener');
  assert.equal((await other.outcome).kind, 'returned');
});

test('a handler that exits ends its thread, and what it logged before is kept', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'exit' });
  await thread.ended;
  const messages = thread.lines(run.run).map((line) => line.message);
  assert.deepEqual(messages, ['first', 'last words']);
});
