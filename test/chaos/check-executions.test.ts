import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overspent } from './check-executions.ts';
import type { Execution, Fact, History } from './history.ts';

const KILLED_PID = 100;
const OTHER_PID = 200;

function execution(x: string, pid: number, startAt: number, more: Partial<Execution>): Execution {
  const task = { key: 1, task: 't1', type: 'throw', retried: 0 };
  return { x, ...task, pid, tid: 1, server: 'A', startAt, ...more };
}

function said(what: Fact['what'], pid: number, at: number): Fact {
  return { what, pid, task: 't1', reason: '', at };
}

/** One execution fails, and its process is killed before it has said so; the next one may succeed within milliseconds. */
function history(succeededBy: number): History {
  const failed = { own: { at: 10.2, how: 'threw' }, processGoneAt: 15 } as const;
  const again = { own: { at: 1_000.1, how: 'ok' }, retried: 1 } as const;
  return {
    executions: [execution('a', KILLED_PID, 10, failed), execution('b', OTHER_PID, 1_000, again)],
    freezes: [],
    facts: new Map([
      ['t1', [said('began', KILLED_PID, 12), said('succeeded', succeededBy, 1_004)]],
    ]),
    processes: [],
    outages: [],
  };
}

test('a failure of which the server could not tell any more explains the attempt that it cost', () => {
  assert.deepEqual(overspent(history(OTHER_PID), new Map([[1, 1]])), []);
});

test('an attempt is not explained by an execution that succeeded, as its own server said', () => {
  assert.match(
    overspent(history(KILLED_PID), new Map([[1, 1]]))[0] ?? '',
    /spent 1 attempts, 0 of/,
  );
});
