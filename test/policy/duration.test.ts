import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration, toWireSeconds } from '../../src/policy/duration.ts';

const ACCEPTED: readonly (readonly [number | string, number])[] = [
  [0, 0],
  [1.5, 1.5],
  ['0', 0],
  ['0s', 0],
  ['250', 250],
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1.001s', 1001],
  ['1h30m', 5_400_000],
  ['1m30s', 90_000],
  ['100s', 100_000],
  ['24h0m0s', 86_400_000],
  ['1d', 86_400_000],
  ['1w2d', 777_600_000],
  ['1us', 0.001],
  ['1µs', 0.001],
  ['1\u03BCs', 0.001],
  ['1ns', 0.000001],
  ['1h1ms1us1ns', 3_600_001.001001],
];

for (const [given, ms] of ACCEPTED) {
  test(`${JSON.stringify(given)} is ${ms} ms`, () => assert.equal(parseDuration(given), ms));
}

const REFUSED: readonly unknown[] = [
  '',
  ' ',
  '5 bananas',
  '1h junk',
  'junk1h',
  '1h 30m',
  '-1s',
  '+1s',
  '1.5',
  '1e3s',
  '1,000s',
  '1_000s',
  '1M',
  '1H',
  '1y',
  's',
  'NaN',
  'Infinity',
  '9'.repeat(400),
  '99999999999999w',
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** 53,
  null,
  undefined,
  true,
  10n,
  {},
];

for (const given of REFUSED) {
  const name = typeof given === 'string' ? JSON.stringify(given.slice(0, 20)) : String(given);
  test(`${name} is refused as a duration`, () => {
    assert.throws(() => parseDuration(given as number), RangeError);
  });
}

test('every duration as Go prints it is read exactly', () => {
  const parts = fc.record({ h: fc.nat(9999), m: fc.nat(59), s: fc.nat(59), ms: fc.nat(999) });
  fc.assert(
    fc.property(parts, ({ h, m, s, ms }) => {
      const text = `${h}h${m}m${s}.${String(ms).padStart(3, '0')}s`;
      assert.equal(parseDuration(text), ((h * 60 + m) * 60 + s) * 1000 + ms);
    }),
  );
});

test('whatever the text is, the answer is a duration or a RangeError', () => {
  const texts = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom('1', '.', 'm', 's', 'h', '-', ' ', 'e'), maxLength: 8 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const ms = parseDuration(text);
        assert.ok(Number.isFinite(ms) && ms >= 0, `${JSON.stringify(text)} gave ${ms}`);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
  );
});

test('wire seconds are rounded up, so that only 0 is 0', () => {
  assert.deepEqual(
    [0, 0.000001, 1, 500, 1000, 1001, 66_000].map(toWireSeconds),
    [0, 1, 1, 1, 1, 2, 66],
  );
  assert.equal(toWireSeconds(parseDuration('1.1m')), 66);
});
