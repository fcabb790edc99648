import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost, FULL_BAR, QUICK_BAR, verdict } from '../../bench/goal.ts';
import { judge, type JudgedRow, makeReport, missedTwice } from '../../bench/report.ts';
import { compare, figureRow } from '../../bench/row.ts';
import { QUICK } from '../../bench/scale.ts';
import type { Spread } from '../../bench/stats.ts';

const RATE = { title: 'tasks', unit: '/s', better: 'higher' } as const;

function samples(q1: number, median: number, q3: number, count = 15): Spread {
  return { q1, median, q3, count };
}

test('a goal is met when the middle of the pairs reaches it', () => {
  assert.equal(verdict(samples(2, 3, 4), atLeast(3), 'ratio'), 'met');
  assert.equal(verdict(samples(0.7, 0.8, 0.9), atMost(0.8), 'ratio'), 'met');
});

test('a goal is missed only when the better quartile of the pairs does not reach it', () => {
  assert.equal(verdict(samples(2, 2.5, 3), atLeast(3), 'ratio'), 'unclear');
  assert.equal(verdict(samples(2, 2.5, 2.99), atLeast(3), 'ratio'), 'missed');
  assert.equal(verdict(samples(0.8, 0.9, 1), atMost(0.8), 'ratio'), 'unclear');
  assert.equal(verdict(samples(0.81, 0.9, 1), atMost(0.8), 'ratio'), 'missed');
});

test('a quick run misses a goal only far below it, and with enough pairs', () => {
  const goal = atLeast(10);
  const quick = (spread: Spread): string => verdict(spread, goal, 'ratio', QUICK_BAR);
  assert.equal(quick(samples(6, 8, 9)), 'unclear');
  assert.equal(quick(samples(5, 6, 6.9)), 'missed');
  assert.equal(quick(samples(5, 6, 6.9, 4)), 'unclear');
  assert.equal(verdict(samples(1.5, 2, 3), atMost(1), 'ratio', QUICK_BAR), 'missed');
  assert.equal(verdict(samples(1.4, 2, 3), atMost(1), 'ratio', QUICK_BAR), 'unclear');
});

test('a quick run judges a figure without a peer only where its goal says how', () => {
  const far = samples(90, 100, 110);
  assert.equal(verdict(far, atMost(10), 'figure', QUICK_BAR), 'unclear');
  assert.equal(verdict(far, atMost(10, { quickShare: 0.5 }), 'figure', QUICK_BAR), 'missed');
  assert.equal(verdict(far, atMost(10, { quickShare: 0.5 }), 'figure', FULL_BAR), 'missed');
  assert.equal(
    verdict(samples(19, 19, 19), atMost(10, { quickShare: 0.5 }), 'figure', QUICK_BAR),
    'unclear',
  );
  assert.equal(verdict(samples(19, 19, 19), atMost(10, { quickShare: 0.5 }), 'figure'), 'missed');
});

test('a row carries its goal and its verdict; a row for orientation has neither', () => {
  const ours = { name: 'ours', slices: [30, 30] };
  const peer = { name: 'peer', slices: [10, 10] };
  const judgedRow = judge(compare('noop', RATE, ours, peer, atLeast(2)), FULL_BAR);
  assert.equal(judgedRow.verdict, 'met');
  assert.equal(judgedRow.goal?.text, '>= 2');
  const plain = judge(compare('noop', RATE, ours, peer), FULL_BAR);
  assert.ok(!('goal' in plain) && !('verdict' in plain));
});

test('what one of two tries misses is unclear, what both miss is missed', () => {
  const row = (title: string, value: number): JudgedRow =>
    judge(figureRow('idle', { ...RATE, title }, [value], atLeast(10)), FULL_BAR);
  const first = [row('a', 1), row('b', 1), row('c', 20)];
  const second = [row('a', 2), row('b', 30), row('c', 3)];
  assert.deepEqual(
    missedTwice(first, second).map((each) => each.verdict),
    ['missed', 'met', 'unclear'],
  );
});

test('a report counts its goals by verdict', () => {
  const row = (value: number): JudgedRow =>
    judge(figureRow('idle', RATE, [value], atLeast(10)), FULL_BAR);
  const environment = {
    date: '',
    cpu: '',
    cores: 2,
    memoryGb: 1,
    system: '',
    load: 0,
    versions: {},
  };
  const { goals } = makeReport(
    {
      environment,
      scale: QUICK,
      seconds: 1,
      notes: [],
      failures: [],
      rows: [row(1), row(20), row(30), figureRow('idle', RATE, [1])],
    },
    FULL_BAR,
  );
  assert.deepEqual(goals, { met: 2, missed: 1, unclear: 0 });
});
