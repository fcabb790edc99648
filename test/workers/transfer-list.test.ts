import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePayload } from '../../src/payload.ts';
import { transferList } from '../../workers/transfer-list.ts';

test('large bytes are transferred, small ones copied', () => {
  const large = encodePayload('x'.repeat(20_000));
  assert.deepEqual(transferList([large, encodePayload('small'), undefined]), [large.buffer]);
});

test('a slice never takes the whole buffer along', () => {
  assert.deepEqual(transferList([new Uint8Array(100_000).subarray(1)]), []);
});
