import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { until } from '../helpers/server.ts';
import { LOOP_SAMPLE_MS, startLoopLag } from '../../src/metrics/loop-lag.ts';

/** By how much a timer of a few milliseconds comes late at worst, until `stop`. */
function worstDelay(): { stop(): number } {
  let last = performance.now();
  let worst = 0;
  const look = (): void => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  };
  const timer = setInterval(look, 2);
  return {
    stop: () => {
      look();
      clearInterval(timer);
      return worst;
    },
  };
}

test('a loop that stands still is measured, and an idle one shows little', async (context) => {
  const machine = worstDelay(); // an idle loop on a busy machine is late as well
  const lag = startLoopLag();
  context.after(() => lag.stop());
  await sleep(LOOP_SAMPLE_MS * 2.5); // distances are known from the second sample on
  const { p99 } = lag.read();
  const machineMs = machine.stop();
  assert.ok(p99 < 100 + machineMs, `p99 ${p99}, and timers came up to ${machineMs} ms late`);
  const end = performance.now() + 200 + LOOP_SAMPLE_MS; // it may begin right behind a sample
  while (performance.now() < end);
  // Until the sample is there: a short timer may end before the loop has looked at that of the histogram.
  await until(() => lag.read().max >= 150);
  assert.ok(lag.longestMs() >= lag.read().max);
});

test('a reading before the first sample is zero', (context) => {
  const lag = startLoopLag();
  context.after(() => lag.stop());
  assert.equal(lag.longestMs(), 0);
  assert.deepEqual(lag.read(), {
    min: 0,
    mean: 0,
    stddev: 0,
    p50: 0,
    p90: 0,
    p99: 0,
    max: 0,
  });
});
