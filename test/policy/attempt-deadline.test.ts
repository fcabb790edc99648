import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptDeadline } from '../../src/policy/attempt-deadline.ts';

const NOW = 1_700_000_000_500;
const LATER = 1_700_000_100; // seconds, 99.5 s after NOW

interface Row {
  readonly name: string;
  readonly timeout: number;
  readonly deadline: number;
  readonly handler?: number;
  readonly wanted: readonly [number, 'timeout' | 'deadline'];
}

const ROWS: readonly Row[] = [
  { name: 'neither: 30 minutes', timeout: 0, deadline: 0, wanted: [NOW + 1_800_000, 'timeout'] },
  { name: 'timeout only', timeout: 30, deadline: 0, wanted: [NOW + 30_000, 'timeout'] },
  { name: 'deadline only', timeout: 0, deadline: LATER, wanted: [LATER * 1000, 'deadline'] },
  { name: 'both, timeout first', timeout: 30, deadline: LATER, wanted: [NOW + 30_000, 'timeout'] },
  {
    name: 'both, deadline first',
    timeout: 300,
    deadline: LATER,
    wanted: [LATER * 1000, 'deadline'],
  },
  {
    name: 'a smaller handler timeout',
    timeout: 30,
    deadline: 0,
    handler: 500,
    wanted: [NOW + 500, 'timeout'],
  },
  {
    name: 'a larger handler timeout',
    timeout: 30,
    deadline: 0,
    handler: 60_000,
    wanted: [NOW + 30_000, 'timeout'],
  },
  {
    name: 'a handler timeout before the deadline',
    timeout: 0,
    deadline: LATER,
    handler: 500,
    wanted: [NOW + 500, 'timeout'],
  },
  {
    name: 'a handler timeout after the deadline',
    timeout: 0,
    deadline: LATER,
    handler: 100_000,
    wanted: [LATER * 1000, 'deadline'],
  },
  {
    name: 'a handler timeout under the 30 minutes',
    timeout: 0,
    deadline: 0,
    handler: 500,
    wanted: [NOW + 500, 'timeout'],
  },
  {
    name: 'a handler timeout over the 30 minutes',
    timeout: 0,
    deadline: 0,
    handler: 9_000_000,
    wanted: [NOW + 1_800_000, 'timeout'],
  },
  {
    name: 'a handler timeout of 0 is none',
    timeout: 30,
    deadline: 0,
    handler: 0,
    wanted: [NOW + 30_000, 'timeout'],
  },
  { name: 'a deadline in the past', timeout: 30, deadline: 1000, wanted: [1_000_000, 'deadline'] },
  {
    name: 'a timeout beyond all Dates',
    timeout: Number.MAX_SAFE_INTEGER,
    deadline: 0,
    wanted: [8.64e15, 'timeout'],
  },
];

for (const { name, timeout, deadline, handler, wanted } of ROWS) {
  test(`deadline of an attempt: ${name}`, () => {
    const actual = attemptDeadline({
      timeoutSeconds: timeout,
      deadlineSeconds: deadline,
      handlerTimeoutMs: handler,
      nowMs: NOW,
    });
    assert.deepEqual(actual, { deadlineMs: wanted[0], reason: wanted[1] });
  });
}
