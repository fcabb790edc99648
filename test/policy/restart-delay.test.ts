import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterDeath, type ChildDeath, NO_DEATHS } from '../../src/policy/restart-delay.ts';

/** The delays after deaths one after the other. */
function delays(deaths: readonly Partial<ChildDeath>[]): number[] {
  let history = NO_DEATHS;
  return deaths.map((death) => {
    history = afterDeath(history, { atMs: 0, uptimeMs: 500, hasDoneTask: false, ...death });
    return history.delayMs;
  });
}

test('two deaths are answered at once, the third within a minute waits, and the wait doubles to ten seconds', () => {
  const deaths = Array.from({ length: 12 }, (_, index) => ({ atMs: index * 11_000 }));
  assert.deepEqual(
    delays(deaths),
    [0, 0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
  );
});

test('deaths that are further apart than a minute never wait', () => {
  const deaths = Array.from({ length: 5 }, (_, index) => ({
    atMs: index * 30_001,
    uptimeMs: 30_000,
  }));
  assert.deepEqual(delays(deaths), [0, 0, 0, 0, 0]);
});

test('a task done in between ends the waiting', () => {
  const deaths = [{}, {}, {}, { hasDoneTask: true }, {}, {}];
  assert.deepEqual(delays(deaths), [0, 0, 100, 0, 0, 100]);
});

test('a child that lived a minute ends the doubling', () => {
  const deaths = [{}, {}, {}, {}, { atMs: 70_000, uptimeMs: 65_000 }];
  assert.deepEqual(delays(deaths), [0, 0, 100, 200, 0]);
});
