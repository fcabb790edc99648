import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/contain.js');
const thread = await startThread({ tasksPerThread: 3 });

test('ctx.heartbeat counts on the board, also when taken off ctx, and posts no message', async () => {
  const run = thread.hand(acts, { type: 'beat' });
  await run.begun;
  await until(() => thread.beats(run.run) === 7);
  assert.deepEqual(thread.order(run.run), ['begun']);
});

test('signs of life of a loop that never yields are seen from outside', async () => {
  const other = await startThread();
  const run = other.hand(acts, { type: 'beatUntilStopped' });
  await run.begun;
  await until(() => other.beats(run.run) > 1_000);
  const before = other.beats(run.run);
  await until(() => other.beats(run.run) !== before);
  other.stop(run.run, 'canceled');
  assert.equal((await run.outcome).kind, 'returned');
});

test('every call of ctx.progress is a sign of life, also one that is not sent', async () => {
  const run = thread.hand(acts, { type: 'progressOften' });
  await run.begun;
  await until(() => thread.beats(run.run) === 500);
  await until(() => thread.progress(run.run).at(-1) === 499);
  assert.ok(thread.progress(run.run).length < 50);
});

test('a run that is over gives no sign of life for the run that has its slot', async () => {
  const own = await startThread();
  assert.equal((await own.run(acts, { type: 'beatLater' })).kind, 'returned');
  const next = own.hand(acts, { type: 'wait' });
  await next.begun;
  const lines = own.lines(0).length;
  await until(() => own.lines(0).length >= lines + 2); // fifty late calls at least between them
  assert.equal(own.beats(next.run), 0);
});

test('ctx.heartbeat costs next to nothing', async () => {
  const outcome = await thread.run(acts, { type: 'beatCost' });
  assert.ok(outcome.kind === 'returned' && outcome.result);
  const nanoseconds = Number(new TextDecoder().decode(outcome.result));
  console.log(`heartbeat: ${nanoseconds.toFixed(1)} ns`);
  assert.ok(nanoseconds < 500, `${nanoseconds} ns`); // some 20 alone; other test files share the cores
});
