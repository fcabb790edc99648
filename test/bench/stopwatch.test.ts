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
  const stopwatch = new Stopwatch(5, 20);
  stopwatch.tick();
  await assert.rejects(stopwatch.done, /only 1 of 5 tasks settled in 20 ms/);
});

test('fewer than two tasks cannot be timed', () => {
  assert.throws(() => new Stopwatch(1), RangeError);
});
