import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRetryDelayMs } from '../../src/policy/retry-delay.ts';

const DAY_MS = 86_400_000;

function bounds(retried: number, maxRetryDelayMs: number): [number, number] {
  const delay = (random: number): number =>
    defaultRetryDelayMs({ retried, maxRetryDelayMs, random: () => random });
  return [delay(0), delay(0.999999)];
}

for (const [retried, least, most] of [
  [0, 15, 44],
  [1, 16, 74],
  [5, 640, 814],
] as const) {
  test(`after ${retried} earlier failures a task waits ${least} to ${most} s, as in asynq`, () => {
    assert.deepEqual(bounds(retried, 10 * DAY_MS), [least * 1000, most * 1000]);
  });
}

test('after 24 earlier failures asynq would wait about 3.8 days', () => {
  const [least, most] = bounds(24, 10 * DAY_MS);
  assert.ok(least > 3.8 * DAY_MS && most < 3.9 * DAY_MS, `${least} to ${most}`);
});

test('the delay is capped', () => {
  assert.deepEqual(bounds(24, DAY_MS), [DAY_MS, DAY_MS]);
  assert.deepEqual(bounds(2_147_483_646, DAY_MS), [DAY_MS, DAY_MS]);
});
