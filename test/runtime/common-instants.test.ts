import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actAfter } from '../../src/runtime/common-instants.ts';

const APART_MS = 250;
/** Timers count whole milliseconds. */
const ROUNDING_MS = 1;

test('what comes seldom is called at few instants, and hardly earlier than it asked for', async () => {
  const waits = Array.from({ length: 20 }, (_, index) => 500 + index * 25);
  const beganMs = performance.now();
  let turn = 0;
  const turns = new Set<number>();
  const calls = waits.map(
    (waitMs) =>
      new Promise<void>((resolve) => {
        actAfter(waitMs, () => {
          turns.add(turn);
          // Not before all that is due has been called.
          queueMicrotask(() => {
            turn += 1;
          });
          const passedMs = performance.now() - beganMs;
          assert.ok(passedMs >= waitMs - APART_MS - ROUNDING_MS, `${waitMs}: after ${passedMs} ms`);
          resolve();
        });
      }),
  );
  const tookMs = performance.now() - beganMs;
  await Promise.all(calls);
  const instants = Math.floor((tookMs + 19 * 25) / APART_MS) + 2;
  assert.ok(turns.size <= instants, `${turns.size} turns, ${instants} instants`);
});

test('what is called off is not called, and leaves the others of its instant alone', async () => {
  const called: string[] = [];
  await new Promise<void>((resolve) => {
    const callOff = [600, 20].map((waitMs) => actAfter(waitMs, () => called.push('called off')));
    actAfter(600, () => called.push('stays'));
    const alone = actAfter(900, () => called.push('called off'));
    for (const each of [...callOff, alone]) each();
    for (const each of callOff) each(); // a second time does no harm
    actAfter(1_000, resolve);
  });
  assert.deepEqual(called, ['stays']);
});

test('what comes often waits for no other', async () => {
  const beganMs = performance.now();
  await new Promise<void>((resolve) => actAfter(40, resolve));
  assert.ok(performance.now() - beganMs >= 40 - ROUNDING_MS);
});
