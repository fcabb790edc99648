import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  FENCE_MARGIN_MS,
  fenceAt,
  fenceGraceMs,
  fenceStuckMs,
  LONGEST_FENCE_GRACE_MS,
} from '../../src/policy/fence.ts';

test('a stop begins a second before the grace that is left to the handler, at most 3 s', () => {
  const begins = [0, 1, 1000, 2999, 3000, 3001, 60_000, Number.POSITIVE_INFINITY].map((graceMs) =>
    fenceAt(10_000, graceMs),
  );
  assert.deepEqual(begins, [9000, 8999, 8000, 6001, 6000, 6000, 6000, 6000]);
});

test('a stop that begins late leaves less grace, and none once the margin has begun', () => {
  const graces: [number, number, number][] = [
    // left of the lease, the handler's own grace, what it gets
    [15_000, 5000, 3000],
    [4000, 5000, 3000],
    [3999, 5000, 2999],
    [1001, 5000, 1],
    [1000, 5000, 0],
    [999, 5000, 0],
    [0, 5000, 0],
    [-60_000, 5000, 0],
    [15_000, 700, 700],
    [1700, 700, 700],
    [1699, 700, 699],
    [15_000, 0, 0],
  ];
  for (const [leftMs, graceMs, wanted] of graces) {
    assert.equal(fenceGraceMs(leftMs, graceMs), wanted, `${leftMs} ms left, grace ${graceMs} ms`);
  }
});

test('a thread has until the end of its lease to end, at most a second, and is given a moment when that is over', () => {
  const stuck = [15_000, 1001, 1000, 999, 26, 25, 24, 0, -60_000].map(fenceStuckMs);
  assert.deepEqual(stuck, [1000, 1000, 1000, 999, 26, 25, 25, 25, 25]);
});

test('a stop that begins in time has its whole grace and the margin before the lease ends', () => {
  const leaseMs = fc.integer({ min: 10_000, max: 3_600_000 });
  fc.assert(
    fc.property(fc.integer(), leaseMs, fc.nat(3_600_000), (now, ms, graceMs) => {
      const endsAt = now + ms;
      const at = fenceAt(endsAt, graceMs);
      assert.ok(at > now, 'a lease is long enough to work under it');
      const grace = fenceGraceMs(endsAt - at, graceMs);
      assert.equal(grace, Math.min(graceMs, LONGEST_FENCE_GRACE_MS));
      assert.equal(at + grace + fenceStuckMs(endsAt - at - grace), endsAt);
    }),
  );
});

test('a stop that begins late still ends with the lease, but for the moment that a thread needs', () => {
  fc.assert(
    fc.property(fc.integer({ min: -10_000, max: 10_000 }), fc.nat(20_000), (leftMs, graceMs) => {
      const grace = fenceGraceMs(leftMs, graceMs);
      const stuck = fenceStuckMs(leftMs - grace);
      assert.ok(grace >= 0 && grace <= graceMs);
      assert.ok(stuck > 0 && stuck <= FENCE_MARGIN_MS);
      assert.ok(grace + stuck <= Math.max(leftMs, 25));
    }),
  );
});
