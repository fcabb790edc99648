/** The short way for tasks that wish nothing but a queue: it must not be taken by any other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadTooLargeError } from '../../src/errors.ts';
import { defineTask } from '../../src/handler.ts';
import { issuesOf, prepare } from './prepare.ts';

test('an option counts wherever an object has it, beside a queue as well', () => {
  class Wishes {
    queue = 'low';
    get maxRetry(): number {
      return 3;
    }
  }
  assert.equal(prepare({ type: 't' }, new Wishes()).message.retry, 3);
  assert.equal(prepare({ type: 't' }, Object.create({ queue: 'low' })).queue, 'low');
  assert.equal(prepare({ type: 't' }, Object.create({ maxRetry: 3 })).message.retry, 3);
  assert.equal(prepare({ type: 't' }, { queue: undefined, timeout: undefined }).queue, 'default');
  assert.deepEqual(issuesOf({ type: 't' }, { queue: null }), ['queue']);
  assert.deepEqual(issuesOf({ type: 't', queue: 'low' }), ['task.queue']);
  assert.deepEqual(issuesOf({ type: 't' }, { queue: 'low', prio: 1 }), ['prio']);
});

test('a definition that names a queue alone gives way to the call', () => {
  const definition = defineTask({ type: 't', queue: 'low' });
  assert.equal(prepare(definition(1)).queue, 'low');
  assert.equal(prepare(definition(1), { queue: 'high' }).queue, 'high');
  assert.equal(prepare(definition(1, { trace: 'x' })).message.headers['trace'], 'x');
  assert.equal(prepare(defineTask({ type: 't', retries: 2 })(1)).message.retry, 2);
});

test('payloads are measured with and without options', () => {
  for (const options of [{}, { maxRetry: 1 }]) {
    assert.equal(
      prepare({ type: 't', payload: 'x'.repeat(1000) }, options).message.payload.length,
      1000,
    );
    assert.throws(
      () => prepare({ type: 't', payload: 'x'.repeat(1001) }, options),
      PayloadTooLargeError,
    );
  }
});
