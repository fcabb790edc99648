import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spin, turnsPerMs } from '../../bench/work/spin.ts';
import { ranMs } from '../helpers/kernel-times.ts';

test('the work depends on its size alone', () => {
  assert.equal(spin(1_000), spin(1_000));
  assert.notEqual(spin(1_000), spin(1_001));
});

test('the calibrated size takes about as long as it says', () => {
  const turns = turnsPerMs();
  const [started, startedRanMs] = [performance.now(), ranMs()];
  spin(turns * 20);
  const [elapsedMs, onCoreMs] = [performance.now() - started, ranMs() - startedRanMs];
  // Other tests share the cores, and their caches: the bounds only tell milliseconds from microseconds and seconds.
  assert.ok(elapsedMs > 5, `20 ms of work took ${elapsedMs} ms`);
  assert.ok(onCoreMs < 2_000, `20 ms of work took ${onCoreMs} ms on a core`);
});
