import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenIds } from '../../src/inspector/doctor/seen-ids.ts';

const id = (number: number): string =>
  `${number}-0000-4000-8000-${String(number).padStart(12, '0')}`;

test('every ID that was added is known, and one in five hundred others at most seems so', () => {
  const count = 20_000;
  const seen = new SeenIds(count);
  for (let i = 0; i < count; i++) seen.add(id(i));
  const numbers = Array.from({ length: count }, (_, i) => i);
  assert.deepEqual(
    numbers.filter((i) => !seen.has(id(i))),
    [],
  );
  assert.ok(numbers.filter((i) => seen.has(id(i + count))).length < count / 500);
});

test('nothing is known at first', () => {
  assert.equal(new SeenIds(0).has('a'), false);
});
