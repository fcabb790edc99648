import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recycleDue } from '../../src/policy/recycle.ts';

const grown = { tasks: 10, rssBytes: 500, ageMs: 1_000 };

test('the first limit that is reached says why', () => {
  assert.equal(recycleDue(grown, { tasks: 10, rssBytes: 1, ageMs: 1 }), 'tasks');
  assert.equal(recycleDue(grown, { tasks: 11, rssBytes: 500, ageMs: 1 }), 'rss');
  assert.equal(recycleDue(grown, { tasks: 11, rssBytes: 501, ageMs: 1_000 }), 'age');
});

test('nothing is due below every limit, or without limits', () => {
  assert.equal(recycleDue(grown, { tasks: 11, rssBytes: 501, ageMs: 1_001 }), undefined);
  assert.equal(recycleDue(grown, {}), undefined);
});
