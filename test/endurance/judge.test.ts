import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Deeds, differences, type Reading } from '../../endurance/judge.ts';
import type { Kind } from '../../endurance/kinds.ts';
import type { TaskInfo } from '../../src/index.ts';

const KIND: Kind = {
  name: 'thrown error',
  type: 'throw',
  manner: 'together',
  reason: 'error',
  error: /^thrown$/,
};

function reading(
  figures: { processed: number; failed: number; retry: number; pending?: number },
  reasons: Record<string, number> = {},
  late = 0,
): Reading {
  const { processed, failed: failures, retry, pending = 0 } = figures;
  const counts = { pending, active: 0, scheduled: 0, retry, archived: 0, completed: 0 };
  return {
    counts: { reasons, late },
    info: {
      queue: 'q',
      counts: { ...counts, aggregating: 0 },
      size: retry + pending,
      latencyMs: 0,
      memoryBytes: 0,
      groups: 0,
      processedToday: 0,
      failedToday: 0,
      takenAt: new Date(0),
      processedTotal: processed,
      failedTotal: failures,
      isPaused: false,
    },
  };
}

function spent(more: Partial<Pick<TaskInfo, 'lastError' | 'retried' | 'state'>> = {}): TaskInfo {
  return {
    id: 'a',
    type: 'throw',
    queue: 'q',
    payload: new Uint8Array(),
    headers: {},
    state: 'retry',
    maxRetry: 25,
    retried: 1,
    timeout: 0,
    retention: 0,
    lastError: 'thrown',
    ...more,
  };
}

const BEFORE = reading({ processed: 10, failed: 4, retry: 4 }, { error: 3, exit: 1 });
const AFTER = reading({ processed: 17, failed: 6, retry: 6 }, { error: 5, exit: 1 });
const DEEDS: Deeds = { kind: KIND, bad: [spent(), spent()], good: 5 };

test('nothing is off when each bad task spent one attempt and each good one was counted', () => {
  assert.deepEqual(differences(BEFORE, AFTER, DEEDS), []);
});

test('a good task that was lost, failed or run twice is seen in the counters', () => {
  const off = (figures: { processed: number; failed: number; retry: number; pending?: number }) =>
    differences(BEFORE, reading(figures, AFTER.counts.reasons), DEEDS);
  assert.deepEqual(off({ processed: 16, failed: 6, retry: 6 }), ['attempts counted: 6, not 7']);
  assert.deepEqual(off({ processed: 17, failed: 7, retry: 7 }), [
    'failures counted: 3, not 2',
    'tasks that wait for a retry: 3, not 2',
    'tasks in the queue: 3, not 2',
  ]);
  assert.deepEqual(off({ processed: 17, failed: 6, retry: 6, pending: 1 }), [
    'tasks in the queue: 3, not 2',
  ]);
});

test('a failure counted as something else is named, unless the kind may be', () => {
  const after = reading({ processed: 17, failed: 6, retry: 6 }, { error: 4, exit: 2 });
  assert.deepEqual(differences(BEFORE, after, DEEDS), [
    'failures as error: 1, not 2',
    'failures as exit: 1, not 0',
  ]);
  const kind = { ...KIND, orElse: 'exit' };
  assert.deepEqual(differences(BEFORE, after, { ...DEEDS, kind }), []);
});

test('a bad task that spent none or two attempts, was archived, or says something else is named', () => {
  const bad = [spent({ retried: 0, state: 'pending' }), spent({ lastError: 'else' })];
  assert.deepEqual(differences(BEFORE, AFTER, { ...DEEDS, bad }), [
    'task a is pending',
    'task a has spent 0 attempts',
    'task a failed of "else"',
  ]);
  assert.deepEqual(differences(BEFORE, AFTER, { ...DEEDS, bad: [spent(), undefined] }), [
    'a bad task is gone',
  ]);
});

test('an error after the end fails nothing, and is counted as one', () => {
  const kind = { ...KIND, reason: 'late' };
  const bad = [undefined, undefined];
  const after = (late: number): Reading =>
    reading({ processed: 17, failed: 4, retry: 4 }, { error: 3, exit: 1 }, late);
  assert.deepEqual(differences(BEFORE, after(2), { kind, bad, good: 5 }), []);
  assert.deepEqual(differences(BEFORE, after(1), { kind, bad, good: 5 }), [
    'errors after the end: 1, not 2',
  ]);
});
