import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/acts.js');

test('an error thrown by a timer is the outcome of the run that set the timer, and ends the thread', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'lateThrow' });
  const outcome = await run.outcome;
  assert.equal(outcome.kind === 'threw' && outcome.error.message, 'from a timer');
  assert.equal(outcome.kind === 'threw' && outcome.error.code, 'E_TIMER');
  const uncaught = await thread.until('uncaught', run.run);
  assert.equal(uncaught.error.message, 'from a timer');
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome', 'uncaught']);
  assert.equal(await run.answered, 'died');
});

test('a late rejection does not undo an outcome, but names its run and ends the thread', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'lateReject' });
  assert.equal((await run.outcome).kind, 'returned');
  const uncaught = await thread.until('uncaught', run.run);
  assert.equal(uncaught.error.message, 'nobody waits for this');
  await thread.ended;
});

test('other runs of the thread finish before it ends, and no new one begins', async () => {
  const thread = await startThread({ tasksPerThread: 3 });
  const slow = thread.hand(acts, { type: 'sleep', payload: 150 });
  await slow.begun;
  const culprit = thread.hand(acts, { type: 'lateThrow' });
  await thread.until('uncaught', culprit.run);
  const late = thread.hand(acts);
  assert.equal((await slow.outcome).kind, 'returned');
  assert.equal(await late.answered, 'died');
  assert.deepEqual(thread.order(late.run), []);
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
  assert.equal(await run.answered, 'died');
  await thread.ended;
  const messages = thread.lines(run.run).map((line) => line.message);
  assert.deepEqual(messages, ['first', 'last words']);
});
