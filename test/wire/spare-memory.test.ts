import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { dropSpare, giveBack, keepSpare, lendBytes } from '../../src/wire/spare-memory.ts';

beforeEach(keepSpare);
afterEach(dropSpare);

test('what was given back is lent again, to one of about the same length', () => {
  const first = lendBytes(1_000_000);
  giveBack(first);
  assert.notEqual(lendBytes(2_000_000).buffer, first.buffer);
  const second = lendBytes(1_000_100);
  assert.equal(second.buffer, first.buffer);
  assert.deepEqual([second.byteOffset, second.byteLength], [0, 1_000_100]);
});

test('what is lent is nobody else’s, also when it was given back twice', () => {
  const first = lendBytes(100_000);
  giveBack(first);
  giveBack(first);
  const second = lendBytes(100_000);
  assert.notEqual(lendBytes(100_000).buffer, second.buffer);
});

test('what was given back and lent again is not given back by whoever had it before', () => {
  const first = lendBytes(100_000);
  giveBack(first);
  const second = lendBytes(100_000);
  assert.equal(second.buffer, first.buffer);
  giveBack(first);
  assert.notEqual(lendBytes(100_000).buffer, second.buffer);
});

test('nothing is kept when the last who wants it is gone, also of what is given back later', () => {
  const [early, late] = [lendBytes(100_000), lendBytes(100_000)];
  keepSpare();
  giveBack(early);
  dropSpare();
  assert.equal(lendBytes(100_000).buffer, early.buffer);
  dropSpare();
  giveBack(late);
  keepSpare();
  assert.notEqual(lendBytes(100_000).buffer, late.buffer);
});

test('bytes that were never lent are left to who has them', () => {
  const own = new Uint8Array(65_536);
  giveBack(own);
  assert.notEqual(lendBytes(65_536).buffer, own.buffer);
});

test('no more is kept than 32 MiB', () => {
  const lent = Array.from({ length: 40 }, () => lendBytes(1_048_576));
  for (const bytes of lent) giveBack(bytes);
  const known = new Set(lent.map(({ buffer }) => buffer));
  const again = lent.map(() => lendBytes(1_048_576));
  assert.equal(again.filter(({ buffer }) => known.has(buffer)).length, 32);
});

test('no more than 64 MiB are shared memory, which is collected for nobody’s sake', () => {
  const lent = Array.from({ length: 80 }, () => lendBytes(1_048_576));
  const isShared = lent.map(({ buffer }) => buffer instanceof SharedArrayBuffer);
  assert.ok(isShared[0]);
  assert.ok(isShared.filter(Boolean).length <= 64);
  assert.ok(lent.every(({ byteLength }) => byteLength === 1_048_576));
});
