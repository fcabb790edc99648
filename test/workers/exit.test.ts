import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import { exit } from 'node:process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { captureExit } from '../../workers/exit-capture.ts';
import { fixture } from '../helpers/paths.ts';
import { tempModules } from '../helpers/temp-modules.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/contain.js');

function threw(outcome: TaskOutcome): Extract<TaskOutcome, { kind: 'threw' }> {
  assert.equal(outcome.kind, 'threw', JSON.stringify(outcome));
  return outcome;
}

test('process.exit fails its task with a clear error, all its log lines before it, and ends the thread', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'exit', payload: 3, id: 'me', queue: 'images' });
  const { verdict, failure, error } = threw(await run.outcome);
  assert.deepEqual([verdict, failure], ['failure', 'exit']);
  assert.equal(error.code, 'ERR_PROCESS_EXIT');
  assert.equal(error.name, 'ProcessExitError');
  assert.match(error.message, /^the handler called process\.exit\(3\)/);
  assert.deepEqual(error.properties, { exitCode: 3 });
  assert.match(error.stack?.split('\n')[1] ?? '', /contain\.js/);
  const { kind: _kind, error: told, ...doom } = await thread.until('doomed', run.run);
  const task = { id: 'me', type: 'exit', queue: 'images', isOver: false };
  assert.deepEqual(doom, { by: 'exit', run: run.run, task });
  assert.equal(told.code, 'ERR_PROCESS_EXIT');
  await thread.ended;
  assert.deepEqual(thread.order(run.run), ['begun', 'log', 'log', 'outcome', 'doomed']);
});

test('code after process.exit does not run, neither in catch nor in finally', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'exit', payload: 0 });
  await run.outcome;
  await thread.ended;
  const messages = thread.lines(run.run).map((line) => line.message);
  assert.deepEqual(messages, ['last words', 'half a line']);
});

for (const [type, what, text] of [
  ['exitNamed', 'the named export of node:process', /process\.exit\(4\)/],
  ['exitPlain', 'process.exit without a code', /process\.exit\(\)/],
  ['exitWaiting', 'process.exit after an await', /process\.exit\(5\)/],
] as const) {
  test(`${what} is the task's own doing too`, async () => {
    const thread = await startThread();
    const run = thread.hand(acts, { type });
    const outcome = threw(await run.outcome);
    assert.equal(outcome.failure, 'exit');
    assert.match(outcome.error.message, text);
    await thread.ended;
  });
}

test('a named export imported before is taken over too', () => {
  const real = process.exit;
  captureExit(() => undefined);
  const seen = exit;
  const taken = process.exit;
  process.exit = real;
  syncBuiltinESMExports();
  assert.notEqual(taken, real);
  assert.equal(seen, taken);
});

test('a handler has no say in what an exit costs', async () => {
  const folder = await tempModules({
    'own.js': `const handler = {
        handle: () => process.exit(1), isFailure: () => false, retryDelay: () => 0,
      };
      handler[Symbol.for('threadmill.handler')] = true;
      export default handler;`,
  });
  const thread = await startThread();
  const outcome = threw(await thread.run(join(folder, 'own.js')));
  assert.equal(outcome.failure, 'exit');
  assert.deepEqual([outcome.isFailure, outcome.retryDelay], [undefined, undefined]);
});

test('what Node refuses as an exit code is refused, and no exit', async () => {
  const thread = await startThread();
  const outcome = threw(await thread.run(acts, { type: 'exitWrong' }));
  assert.deepEqual([outcome.failure, outcome.error.code], ['error', 'ERR_INVALID_ARG_TYPE']);
  assert.deepEqual(thread.all('doomed'), []);
  assert.equal((await thread.run(acts, { type: 'sleep', payload: 1 })).kind, 'returned');
});

test('an exit is told of once, though a listener of it exits again', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'exitTwice' });
  assert.match(threw(await run.outcome).error.message, /process\.exit\(8\)/);
  await thread.ended;
  assert.equal(thread.all('doomed').length, 1);
});

test('the exit of a thread after an uncaught error is nobody’s', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'throwAndExit' });
  assert.equal((await run.outcome).kind, 'returned');
  await thread.ended;
  assert.deepEqual(
    thread.all('doomed').map(({ by }) => by),
    ['uncaught'],
  );
});

test('process.exit of a module that loads is the doing of the task that needs it', async () => {
  const folder = await tempModules({ 'exits.js': 'process.exit(7); export default () => 1;' });
  const thread = await startThread();
  const run = thread.hand(join(folder, 'exits.js'));
  assert.match(threw(await run.outcome).error.message, /process\.exit\(7\)/);
  await thread.ended;
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome', 'doomed']);
});

test('process.exit ends the other runs of the thread without an outcome', async () => {
  const thread = await startThread({ tasksPerThread: 2 });
  const neighbour = thread.hand(acts, { type: 'wait' });
  await neighbour.begun;
  const culprit = thread.hand(acts, { type: 'exitWaiting' });
  assert.equal(threw(await culprit.outcome).failure, 'exit');
  await thread.ended;
  assert.deepEqual(thread.order(neighbour.run), ['begun']);
});

test('process.exit after the run was over leaves its outcome alone and names the task', async () => {
  const thread = await startThread();
  const run = thread.hand(acts, { type: 'exitLater', payload: 20, id: 'late' });
  assert.equal((await run.outcome).kind, 'returned');
  const doom = await thread.until('doomed', run.run);
  assert.equal(doom.by, 'exit');
  assert.deepEqual([doom.task?.id, doom.task?.isOver], ['late', true]);
  await thread.ended;
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome', 'doomed']);
});

test('process.exit by code that belongs to no task names none', async () => {
  const thread = await startThread();
  await thread.run(acts, { type: 'exitForNobody' });
  thread.pool.threads[0]?.postMessage({ niceIncrement: 0 });
  const doom = await thread.until('doomed', 0);
  assert.deepEqual([doom.by, doom.task], ['exit', undefined]);
  assert.match(doom.error.message, /process\.exit\(2\)/);
  await thread.ended;
});
