import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slopes } from '../../bench/rss/slopes.ts';
import { median } from '../../bench/stats.ts';

const line = (rise: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ x: index, y: 7 + rise * index }));

test('a straight line has its slope everywhere', () => {
  assert.deepEqual(slopes(line(2, 6)), [2, 2, 2]);
  assert.deepEqual(slopes(line(-1, 5)), [-1, -1]);
});

test('a single outlier does not move the middle', () => {
  const points = line(0, 10).map((point, index) => (index === 7 ? { ...point, y: 500 } : point));
  assert.equal(median(slopes(points)), 0);
});

test('one point has no slope', () => {
  assert.throws(() => slopes(line(1, 1)), RangeError);
});
