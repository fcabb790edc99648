import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { LOOP_SAMPLE_MS, startLoopLag } from '../../src/metrics/loop-lag.ts';

test('a loop that stands still is measured, and an idle one shows little', async (context) => {
  const lag = startLoopLag();
  context.after(() => lag.stop());
  await sleep(LOOP_SAMPLE_MS * 1.5); // distances are known from the second sample on
  assert.ok(lag.read().p99 < 100);
  const end = performance.now() + 200 + LOOP_SAMPLE_MS; // it may begin right behind a sample
  while (performance.now() < end);
  await sleep(1);
  assert.ok(lag.read().max >= 150, `max ${lag.read().max}`);
});

test('a reading before the first sample is zero', (context) => {
  const lag = startLoopLag();
  context.after(() => lag.stop());
  assert.deepEqual(lag.read(), { mean: 0, p99: 0, max: 0 });
});
