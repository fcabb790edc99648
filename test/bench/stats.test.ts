import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, pairedRatios, quantile, spread } from '../../bench/stats.ts';

test('the median of an odd number of samples is the middle one, of an even number between the two', () => {
  assert.equal(median([30, 10, 20]), 20);
  assert.equal(median([40, 10, 30, 20]), 25);
  assert.equal(median([7]), 7);
});

test('samples are ordered as numbers, and left as they were given', () => {
  const samples = [100, 9, 20];
  assert.equal(median(samples), 20);
  assert.deepEqual(samples, [100, 9, 20]);
});

test('a quantile lies between two samples in proportion', () => {
  const samples = [0, 10, 20, 30, 40];
  assert.equal(quantile(samples, 0), 0);
  assert.equal(quantile(samples, 0.25), 10);
  assert.equal(quantile(samples, 0.9), 36);
  assert.equal(quantile(samples, 1), 40);
});

test('the spread names the quartiles and how many samples there were', () => {
  assert.deepEqual(spread([1, 2, 3, 4, 5]), { median: 3, q1: 2, q3: 4, count: 5 });
});

test('without samples, or for a share that is none, there is no quantile', () => {
  assert.throws(() => median([]), RangeError);
  assert.throws(() => quantile([1], 1.5), RangeError);
  assert.throws(() => quantile([1], Number.NaN), RangeError);
});

test('ratios are made slice by slice', () => {
  assert.deepEqual(pairedRatios([10, 30], [20, 10]), [0.5, 3]);
});

test('series that do not pair, and peers that did nothing, have no ratio', () => {
  assert.throws(() => pairedRatios([1, 2], [1]), RangeError);
  assert.throws(() => pairedRatios([1], [0]), RangeError);
});
