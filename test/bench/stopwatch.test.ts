import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stopwatch } from '../../bench/stopwatch.ts';
import { spin } from '../../bench/work/spin.ts';

test('time and CPU count from the first settled task to the last, whatever came before', async () => {
  const stopwatch = new Stopwatch(3);
  spin(20_000_000); // the start of the runtime
  const first = performance.now();
  stopwatch.tick();
  stopwatch.tick();
  spin(5_000_000);
  stopwatch.tick();
  const sinceFirstMs = performance.now() - first;
  const { perSecond, cpuMicros } = await stopwatch.done;
  const measuredMs = 2_000 / perSecond;
  assert.ok(measuredMs <= sinceFirstMs, `${measuredMs} ms of ${sinceFirstMs} ms`);
  assert.ok(cpuMicros > 0);
});

test('a failure ends the measure with its error', async () => {
  const stopwatch = new Stopwatch(2);
  stopwatch.fail(new Error('a task failed'));
  await assert.rejects(stopwatch.done, /a task failed/);
});

test('tasks that never settle end the measure with an error that counts them', async () => {
  const stopwatch = new Stopwatch(5, { limitMs: 20 });
  stopwatch.tick();
  await assert.rejects(stopwatch.done, /only 1 of 5 tasks settled in 20 ms/);
});

test('a warm-up counts for nothing, and the rest is cut into laps', async () => {
  const stopwatch = new Stopwatch(10, { warmUp: 4, laps: 3 });
  let warmMs = 0;
  for (let settled = 1; settled <= 4; settled += 1) {
    spin(20_000_000);
    warmMs = performance.now(); // before the last tick begins the time: the process may be held up behind it
    stopwatch.tick();
  }
  for (let settled = 5; settled <= 10; settled += 1) {
    if (settled > 8) spin(10_000_000);
    stopwatch.tick();
  }
  const sinceMs = performance.now() - warmMs;
  const { perSecond } = await stopwatch.done;
  assert.ok(6_000 / perSecond <= sinceMs, `${6_000 / perSecond} ms of ${sinceMs} ms`);
  const [first, , last] = stopwatch.laps;
  assert.equal(stopwatch.laps.length, 3);
  assert.ok((first?.cpuMicros ?? 0) < (last?.cpuMicros ?? 0));
  const lapsMs = stopwatch.laps.reduce((sum, lap) => sum + 2_000 / lap.perSecond, 0);
  assert.ok(Math.abs(lapsMs - 6_000 / perSecond) < 1e-6);
});

test('fewer tasks than a warm-up and one per lap cannot be timed', () => {
  assert.throws(() => new Stopwatch(1), RangeError);
  assert.throws(() => new Stopwatch(10, { warmUp: 10 }), RangeError);
  assert.throws(() => new Stopwatch(10, { warmUp: 6, laps: 5 }), RangeError);
  assert.throws(() => new Stopwatch(10, { warmUp: 0 }), RangeError);
});
