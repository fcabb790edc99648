import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LostAttempt, spendsAttempt } from '../../src/policy/recovery.ts';

const lost: LostAttempt = { isOurs: true, hasBegun: false, returns: 0 };

test('an attempt of ours that had not begun is not spent, one that had begun is', () => {
  assert.equal(spendsAttempt(lost), false);
  assert.equal(spendsAttempt({ ...lost, hasBegun: true }), true);
});

test('the sixth loss in a row of an attempt that was not noted as begun spends it', () => {
  const spent = [0, 1, 2, 3, 4, 5, 6, 1000].map((returns) => spendsAttempt({ ...lost, returns }));
  assert.deepEqual(spent, [false, false, false, false, false, true, true, true]);
});

test('what a server of another kind lost always spends an attempt', () => {
  for (const hasBegun of [false, true]) {
    for (const returns of [0, 4, 5]) {
      assert.equal(spendsAttempt({ isOurs: false, hasBegun, returns }), true);
    }
  }
});

test('more that speaks for a begun attempt never makes it cheaper', () => {
  const attempt = fc.record({
    isOurs: fc.boolean(),
    hasBegun: fc.boolean(),
    returns: fc.nat(12),
  });
  fc.assert(
    fc.property(attempt, fc.nat(12), (known, more) => {
      if (!spendsAttempt(known)) return;
      assert.ok(spendsAttempt({ ...known, hasBegun: true }));
      assert.ok(spendsAttempt({ ...known, returns: known.returns + more }));
      assert.ok(spendsAttempt({ ...known, isOurs: false }));
    }),
  );
});
