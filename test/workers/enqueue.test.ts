import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskIdConflictError } from '../../src/errors.ts';
import { serializeError } from '../../src/serialize-error.ts';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import { fixture } from '../helpers/paths.ts';
import { startThread } from '../helpers/worker-harness.ts';

const enqueues = fixture('threads/enqueues.js');
const thread = await startThread();

function textOf(outcome: TaskOutcome): string {
  assert.ok(outcome.kind === 'returned' && outcome.result, JSON.stringify(outcome));
  return new TextDecoder().decode(outcome.result);
}

test('a handler enqueues through the main thread, with its payload encoded in the thread', async () => {
  thread.onEnqueue = ({ items }) => {
    const [item] = items;
    assert.equal(new TextDecoder().decode(item?.payload), '{"a":1}');
    assert.deepEqual([item?.type, item?.options], ['next', { queue: 'low' }]);
    return [{ ok: true, info: { id: 'new-task' } }];
  };
  assert.equal(textOf(await thread.run(enqueues, { type: 'one' })), 'new-task');
});

test('options of a definition go along with those of the call, which win where they are given', async () => {
  thread.onEnqueue = ({ items }) => {
    const options = { queue: 'low', uniqueFor: '5s', group: 'g', taskId: 'x' };
    assert.deepEqual(items, [{ type: 'report', options }]);
    return [{ ok: true, info: { id: 'x' } }];
  };
  assert.equal(textOf(await thread.run(enqueues, { type: 'defined' })), 'x');
});

test('an enqueue that fails rejects in the handler with the error of the client', async () => {
  const error = serializeError(new TaskIdConflictError('x', 'default'));
  thread.onEnqueue = () => [{ ok: false, error }];
  const seen = JSON.parse(textOf(await thread.run(enqueues, { type: 'refused' }))) as unknown;
  assert.deepEqual(seen, {
    name: 'TaskIdConflictError',
    code: 'ERR_TASK_ID_CONFLICT',
    isError: true,
  });
});

test('enqueueMany answers per item, in order, also for one that cannot be encoded', async () => {
  thread.onEnqueue = ({ items }) => {
    assert.equal(items[1]?.payload?.byteLength, 50_000);
    return items.map((item) => ({ ok: true, info: { id: item.type } }));
  };
  const seen = JSON.parse(textOf(await thread.run(enqueues, { type: 'many' }))) as unknown;
  assert.deepEqual(seen, ['a', 'ERR_NOT_SERIALIZABLE', 'c']);
});

test('a task that cannot cross to the main thread fails by itself, an option in the wrong place goes along', async () => {
  let asked: unknown[] = [];
  thread.onEnqueue = ({ items }) => {
    asked = items.map((item) => ({ ...item }));
    return items.map((item) => ({ ok: true, info: { id: item.type } }));
  };
  const seen = JSON.parse(textOf(await thread.run(enqueues, { type: 'odd' }))) as unknown;
  assert.deepEqual(seen, ['DataCloneError', 'b']);
  assert.deepEqual(asked, [{ type: 'b', queue: 'low', options: {} }]);
});

test('a thread may have a thousand enqueue calls without an answer', async () => {
  thread.onEnqueue = () => undefined;
  const run = thread.hand(enqueues, { type: 'flood' });
  assert.equal(textOf(await run.outcome), 'ERR_TOO_MANY_CALLS');
});
