import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reviveError } from '../../src/serialize-error.ts';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { fixture } from '../helpers/paths.ts';
import { startThread } from '../helpers/worker-harness.ts';

const acts = fixture('threads/acts.js');
const thread = await startThread({ tasksPerThread: 4, maxResultSize: 200_000 });

function resultOf(outcome: TaskOutcome): Uint8Array | undefined {
  assert.equal(outcome.kind, 'returned', JSON.stringify(outcome));
  return outcome.kind === 'returned' ? outcome.result : undefined;
}

function jsonOf(outcome: TaskOutcome): unknown {
  return JSON.parse(new TextDecoder().decode(resultOf(outcome)));
}

function errorOf(outcome: TaskOutcome): Extract<TaskOutcome, { kind: 'threw' }> {
  assert.equal(outcome.kind, 'threw');
  return outcome;
}

test('a run says that it has begun before it says how it ended', async () => {
  const run = thread.hand(acts, { payload: { a: 1 } });
  assert.deepEqual(jsonOf(await run.outcome), { a: 1 });
  assert.deepEqual(thread.order(run.run), ['begun', 'outcome']);
});

test('a result is stored as bytes, as text, as JSON, or not at all', async () => {
  assert.deepEqual(resultOf(await thread.run(acts, { type: 'bytes' })), new Uint8Array([1, 2, 3]));
  const text = resultOf(await thread.run(acts, { payload: 'grüße' }));
  assert.equal(new TextDecoder().decode(text), 'grüße');
  assert.equal(resultOf(await thread.run(acts, { type: 'nothing' })), undefined);
  assert.equal(resultOf(await thread.run(acts, { payload: 1, keepsResult: false })), undefined);
});

test('a result that cannot be serialized fails the run, but only where results are kept', async () => {
  const failed = errorOf(await thread.run(acts, { type: 'circular' }));
  assert.equal(failed.error.code, 'ERR_NOT_SERIALIZABLE');
  assert.deepEqual([failed.failure, failed.verdict], ['not_serializable', 'failure']);
  resultOf(await thread.run(acts, { type: 'circular', keepsResult: false }));
});

test('whatever else is thrown is an ordinary error, the same class among it', async () => {
  const thrown = errorOf(await thread.run(acts, { type: 'progressCircular' }));
  assert.deepEqual([thrown.failure, thrown.error.code], ['error', 'ERR_NOT_SERIALIZABLE']);
  assert.equal(errorOf(await thread.run(acts, { type: 'fail' })).failure, 'error');
});

test('a result over the limit fails the run', async () => {
  const failed = errorOf(await thread.run(acts, { payload: 'x'.repeat(200_001) }));
  assert.equal(failed.error.code, 'ERR_PAYLOAD_TOO_LARGE');
  assert.equal(failed.failure, 'error');
});

test('a small slice of a large Buffer crosses as a small result', async () => {
  const result = resultOf(await thread.run(acts, { type: 'slice' }));
  assert.equal(result?.byteLength, 20);
  assert.equal(result?.buffer.byteLength, 20);
  assert.equal(result?.[0], 7);
});

test('a large result that the handler keeps is not taken away from it', async () => {
  const first = resultOf(await thread.run(acts, { type: 'large' }));
  const second = resultOf(await thread.run(acts, { type: 'large' }));
  assert.deepEqual(
    [first?.byteLength, second?.byteLength, second?.[99_999]],
    [100_000, 100_000, 5],
  );
});

test('setResult overrides the return value and copies at once', async () => {
  assert.deepEqual(resultOf(await thread.run(acts, { type: 'setResult' })), new Uint8Array([9, 9]));
});

test('a task brings its fields into the thread', async () => {
  const options = { headers: { trace: 'x' }, retried: 2, maxRetry: 2_147_483_647, deadline: 5_000 };
  const seen = jsonOf(
    await thread.run(acts, { ...options, type: 'describe', id: 'me', payload: 1 }),
  );
  assert.deepEqual(seen, {
    id: 'me',
    type: 'describe',
    queue: 'default',
    headers: { trace: 'x' },
    retried: 2,
    maxRetry: null, // Infinity, which JSON does not know
    isForever: true,
    deadline: 5_000,
    bytes: 1,
  });
});

test('a task without payload has undefined as its JSON, and text that is not JSON throws', async () => {
  assert.equal(resultOf(await thread.run(acts)), undefined);
  const failed = errorOf(await thread.run(acts, { payload: new TextEncoder().encode('{no') }));
  assert.match(failed.error.message, /^the payload is not JSON: /);
  assert.equal(failed.verdict, 'failure');
});

test('an error keeps name, message, stack, cause, code and plain properties across the border', async () => {
  const error = reviveError(errorOf(await thread.run(acts, { type: 'fail' })).error);
  assert.equal(error.name, 'TypeError');
  assert.equal(error.message, 'broken');
  assert.match(error.stack ?? '', /acts\.js/);
  assert.equal((error.cause as Error).name, 'RangeError');
  assert.equal((error.cause as Error).message, 'deeper');
  const { code, status, where } = error as unknown as Record<string, unknown>;
  assert.deepEqual([code, status, where], ['E_BROKEN', 418, { line: 3 }]);
  assert.equal('run' in error, false);
});

test('anything may be thrown', async () => {
  const text = errorOf(await thread.run(acts, { type: 'throwText' }));
  assert.equal(text.error.message, 'non-error thrown: "just text"');
  const weird = errorOf(await thread.run(acts, { type: 'throwWeird' }));
  assert.equal(weird.error.message, 'weird');
});

test('a module that is gone fails the run and not the thread', async () => {
  const failed = errorOf(await thread.run('/nowhere/handler.js'));
  assert.equal(failed.error.code, 'ERR_HANDLER_LOAD');
  resultOf(await thread.run(acts));
});

test('tasks of one thread take turns', async () => {
  const begin = performance.now();
  const runs = [900, 900, 900, 900].map((ms) => thread.run(acts, { type: 'sleep', payload: ms }));
  assert.deepEqual((await Promise.all(runs)).map(jsonOfText), Array(4).fill('slept'));
  assert.ok(performance.now() - begin < 3_500);
});

function jsonOfText(outcome: TaskOutcome): string {
  return new TextDecoder().decode(resultOf(outcome));
}
