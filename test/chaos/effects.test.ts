import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectsOf, withoutEffect } from './effects.ts';
import { readHistory } from './history.ts';
import type { Injected } from './injector.ts';
import type { RunRecord } from './records.ts';
import { BAD_TYPES } from './task-set.ts';

function killed(effect: number): Injected {
  return {
    kind: 'kill-child',
    at: 0,
    target: 'A',
    forMs: 0,
    variant: 'SIGKILL',
    beganAt: 0,
    endedAt: 1,
    pids: [7],
    effect,
    note: '',
  };
}

/** One execution of each type that misbehaves, on a server whose clock is off. */
const RECORDS: readonly RunRecord[] = [
  { k: 'process', pid: 7, parent: 1, server: 'B', clockMs: 10_000, at: 0 },
  ...BAD_TYPES.map((type, key): RunRecord => {
    const place = { pid: 7, tid: 1, server: 'B' };
    return { k: 'start', x: `x${key}`, key, task: `t${key}`, type, retried: 0, ...place, at: 1 };
  }),
];

test('a kind of event that hit nothing all run long is named, and one that hit once is not', () => {
  const history = readHistory(RECORDS);
  assert.deepEqual(withoutEffect(effectsOf([killed(0), killed(2)], history)), []);
  assert.deepEqual(withoutEffect(effectsOf([killed(0), killed(0)], history)), [
    'kill-child had no effect (2 times)',
  ]);
});

test('handlers that all behaved, and a clock that was right, had no effect', () => {
  const ends = BAD_TYPES.map((_, key): RunRecord => ({ k: 'end', x: `x${key}`, how: 'ok', at: 2 }));
  const right = RECORDS.map((one) => (one.k === 'process' ? { ...one, clockMs: 0 } : one));
  const missing = withoutEffect(effectsOf([], readHistory([...right, ...ends])));
  // A native call does nothing wrong: that it ran is enough.
  const bad = BAD_TYPES.filter((type) => type !== 'native').map((type) => `handler: ${type}`);
  assert.deepEqual(
    missing.map((text) => text.replace(/ had no.*/, '')),
    [...bad, 'clock'],
  );
});
