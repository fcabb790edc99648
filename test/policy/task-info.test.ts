import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTaskState, taskInfo } from '../../src/policy/task-info.ts';
import { emptyTaskMessage } from '../../src/wire/task-message.ts';
import { fullTask, payload, plainTask } from '../wire/golden.ts';

test('a full message is shown in milliseconds and Dates', () => {
  const result = new Uint8Array([1]);
  const info = taskInfo({
    message: fullTask.value,
    state: 'retry',
    dueAt: 1_700_000_200_000,
    result,
  });
  assert.deepEqual(info, {
    id: 'id-2',
    type: 'email:send',
    queue: 'critical',
    payload,
    headers: { trace: 'abc' },
    state: 'retry',
    maxRetry: 5,
    retried: 2,
    timeout: 30_000,
    retention: 86_400_000,
    lastError: 'boom',
    lastFailedAt: new Date(1_700_000_000_000),
    deadline: new Date(1_700_003_600_000),
    completedAt: new Date(1_700_000_100_000),
    nextProcessAt: new Date(1_700_000_200_000),
    group: 'g1',
    result,
  });
});

test('what is not set is absent', () => {
  const info = taskInfo({ message: plainTask.value, state: 'pending' });
  assert.deepEqual(
    [
      'lastError',
      'lastFailedAt',
      'deadline',
      'completedAt',
      'nextProcessAt',
      'group',
      'result',
    ].filter((name) => name in info),
    [],
  );
});

test('retrying for ever is Infinity', () => {
  const message = { ...emptyTaskMessage(), retry: 2_147_483_647 };
  assert.equal(taskInfo({ message, state: 'pending' }).maxRetry, Number.POSITIVE_INFINITY);
});

test('an instant beyond all Dates is the last Date', () => {
  const message = { ...emptyTaskMessage(), deadline: Number.MAX_SAFE_INTEGER };
  assert.equal(taskInfo({ message, state: 'pending' }).deadline?.getTime(), 8.64e15);
});

test('only the names of the protocol are states', () => {
  assert.equal(isTaskState('aggregating'), true);
  assert.equal(isTaskState('done'), false);
});
