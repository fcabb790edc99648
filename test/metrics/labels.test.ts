import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstOnly, OTHER } from '../../src/metrics/labels.ts';

test('a name too long to be sent at every scrape is no label, and takes no place among them', () => {
  const label = firstOnly(1);
  assert.equal(label('x'.repeat(201)), OTHER);
  assert.equal(label('y'.repeat(200)), 'y'.repeat(200));
});
