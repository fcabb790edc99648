import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHistory } from './history.ts';
import type { RunRecord } from './records.ts';
import { recoveryTimes } from './recovery.ts';

function start(x: string, pid: number, at: number): RunRecord {
  return {
    k: 'start',
    x,
    key: 1,
    task: 't',
    type: 'spin',
    retried: 0,
    pid,
    tid: 1,
    server: 'A',
    at,
  };
}

test('recovery is counted from the death of a process to the way back of its tasks, or their next start', () => {
  const gone = { k: 'gone', pid: 1, by: 'kill', at: 100 } as const;
  const records = [start('a', 1, 10), gone, start('b', 2, 400)];
  const { death, freeze, all } = recoveryTimes(readHistory(records));
  assert.deepEqual(death, { count: 1, p50Ms: 300, maxMs: 300 });
  assert.equal(freeze.count, 0);
  assert.equal(all.count, 1);
  const said = { k: 'fact', what: 'retried', pid: 3, task: 't', reason: '', at: 150 } as const;
  assert.equal(recoveryTimes(readHistory([...records, said])).death.maxMs, 50);
});

test('a frozen process counts where somebody else took its task meanwhile', () => {
  const frozen = { k: 'frozen', pid: 1, at: 100 } as const;
  const thawed = { k: 'thawed', pid: 1, at: 500 } as const;
  const taken = [start('a', 1, 10), frozen, thawed, start('b', 2, 400)];
  assert.deepEqual(recoveryTimes(readHistory(taken)).freeze, { count: 1, p50Ms: 300, maxMs: 300 });
  const late = [start('a', 1, 10), frozen, thawed, start('b', 2, 600)];
  assert.equal(recoveryTimes(readHistory(late)).freeze.count, 0);
});

test('what ended by itself was not hit', () => {
  const end = { k: 'end', x: 'a', how: 'ok', at: 50 } as const;
  const gone = { k: 'gone', pid: 1, by: 'kill', at: 100 } as const;
  assert.equal(recoveryTimes(readHistory([start('a', 1, 10), end, gone])).all.count, 0);
});
