import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  estimateAfterTrouble,
  isOverdue,
  nextEstimate,
  runsAhead,
  runsToShare,
  type RunEstimate,
} from '../../src/policy/hand-ahead.ts';
import { MAX_AHEAD } from '../../src/threads/messages.ts';

function after(...runs: readonly number[]): RunEstimate {
  return runs.reduce<RunEstimate>(nextEstimate, undefined);
}

test('nothing is given ahead before a run has ended', () => {
  assert.equal(runsAhead(undefined, 1), 0);
});

test('the shorter the runs, the more are given ahead, up to a bound', () => {
  assert.equal(runsAhead(0.001, 1), MAX_AHEAD);
  assert.equal(runsAhead(1, 1), 100);
  assert.equal(runsAhead(2, 1), 50);
  assert.equal(runsAhead(4, 2), 50);
  assert.equal(runsAhead(5, 1), 20);
  assert.equal(runsAhead(50, 1), 2);
  assert.equal(runsAhead(0, 8), MAX_AHEAD);
});

test('long runs are given only to a thread that can begin them', () => {
  assert.equal(runsAhead(51, 8), 0);
  assert.equal(runsAhead(60_000, 1), 0);
});

test('one long run ends what is given ahead, and many short ones bring it back', () => {
  const short = after(...Array.from({ length: 50 }, () => 1));
  assert.equal(runsAhead(short, 1), 100);
  const withLong = nextEstimate(short ?? 0, 500);
  assert.equal(runsAhead(withLong, 1), 0);
  let estimate = withLong;
  let runs = 0;
  while (runsAhead(estimate, 1) === 0) {
    estimate = nextEstimate(estimate, 1);
    runs += 1;
  }
  assert.ok(runs > 10 && runs < 100, `${runs} runs`);
});

test('after a run that ended its thread nothing is given ahead for a while', () => {
  assert.equal(runsAhead(estimateAfterTrouble(), 8), 0);
});

test('a thread is overdue when it has ended nothing for much longer than runs take', () => {
  assert.equal(isOverdue(undefined, 9), false);
  assert.equal(isOverdue(0.1, 11), true);
  assert.equal(isOverdue(20, 79), false);
  assert.equal(isOverdue(20, 81), true);
});

test('a thread that has nothing gets half of what lies in another one, unless that is next to nothing', () => {
  assert.equal(runsToShare(5, 20, 1), 10);
  assert.equal(runsToShare(5, 1, 1), 1);
  assert.equal(runsToShare(5, 0, 1), 0);
  assert.equal(runsToShare(0.1, 10, 1), 0);
  assert.equal(runsToShare(0.1, 30, 1), 15);
  assert.equal(runsToShare(1, 3, 8), 0);
  assert.equal(runsToShare(undefined, 10, 1), 0);
});
