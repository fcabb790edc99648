import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActiveTask } from '../../src/runtime/active-tasks.ts';
import { RunNumbers } from '../../src/runtime/run-numbers.ts';

const LAST_RUN = 2_147_483_647;

/** Numbers beside runs that go on. */
function beside(taken: readonly number[], next?: number): RunNumbers {
  const task = {} as ActiveTask;
  return new RunNumbers({ get: (run) => (taken.includes(run) ? task : undefined) }, next);
}

test('each call gets numbers of its own', () => {
  const runs = beside([]);
  assert.deepEqual([runs.reserve(3), runs.reserve(1), runs.reserve(2)], [1, 4, 5]);
});

test('no number of a run that goes on is given again', () => {
  const runs = beside([2, 5]);
  assert.deepEqual([runs.reserve(1), runs.reserve(2), runs.reserve(2)], [1, 3, 6]);
});

test('after the last int32 they begin again, as they stand in shared memory', () => {
  const runs = beside([2], LAST_RUN - 1);
  assert.deepEqual([runs.reserve(2), runs.reserve(3), runs.reserve(1)], [LAST_RUN - 1, 3, 6]);
});

test('a call for which the numbers do not suffice begins again as a whole', () => {
  const runs = beside([], LAST_RUN);
  assert.deepEqual([runs.reserve(2), runs.reserve(1)], [1, 3]);
});
