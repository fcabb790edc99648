import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggestName, unknownOption } from '../../src/policy/suggest.ts';

const KNOWN = ['maxRetry', 'timeout', 'queue'];

for (const [given, wanted] of [
  ['maxRetries', 'maxRetry'],
  ['max_retry', 'maxRetry'],
  ['TIMEOUT', 'timeout'],
  ['queues', 'queue'],
  ['colour', undefined],
  ['', undefined],
  ['q'.repeat(100_000), undefined],
] as const) {
  test(`for ${JSON.stringify(given.slice(0, 20))} the suggestion is ${wanted ?? 'none'}`, () => {
    assert.equal(suggestName(given, KNOWN), wanted);
  });
}

test('an unknown option without a near one is answered with all that exist', () => {
  assert.match(unknownOption('colour', KNOWN), /maxRetry, timeout, queue/);
  assert.match(unknownOption('queues', KNOWN), /did you mean queue\?/);
});
