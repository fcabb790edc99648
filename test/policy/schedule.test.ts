import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCron } from '../../src/policy/cron.ts';
import { dueAt, LATEST_MS, planTicks, type Timing } from '../../src/policy/schedule.ts';
import { ranMs } from '../helpers/kernel-times.ts';

const MINUTE = 60_000;
const NOON = Date.parse('2026-04-03T12:00:00Z');

function timing(more: Partial<Timing> & { spec?: string } = {}): Timing {
  return {
    id: 'entry',
    ticks: parseCron(more.spec ?? '* * * * *'),
    jitterMs: 0,
    startAtMs: 0,
    endAtMs: 8.64e15,
    missed: 'skip',
    ...more,
  };
}

test('nothing is due before the next tick', () => {
  const plan = planTicks(timing(), {
    nowMs: NOON + 1,
    doneMs: NOON,
    aliveSinceMs: 0,
  });
  assert.deepEqual(plan, {
    due: [],
    doneMs: NOON + 1,
    missed: undefined,
    nextTickMs: NOON + MINUTE,
    nextDueMs: NOON + MINUTE,
  });
});

test('a tick is due at its instant, and done with it', () => {
  const plan = planTicks(timing(), {
    nowMs: NOON + MINUTE,
    doneMs: NOON,
    aliveSinceMs: NOON,
  });
  assert.deepEqual(plan.due, [NOON + MINUTE]);
  assert.equal(plan.doneMs, NOON + MINUTE);
  assert.equal(plan.nextTickMs, NOON + 2 * MINUTE);
});

test('ticks that came due while a scheduler waited for the lead are late, not missed', () => {
  const plan = planTicks(timing({ spec: '@every 10s' }), {
    nowMs: NOON + 35_000,
    doneMs: NOON,
    aliveSinceMs: NOON - MINUTE,
  });
  assert.deepEqual(
    plan.due.map((tick) => tick - NOON),
    [10_000, 20_000, 30_000],
  );
  assert.equal(plan.missed, undefined);
});

const DOWN = { nowMs: NOON + 3_605_000, doneMs: NOON, aliveSinceMs: NOON + 3_605_000 };

for (const [missed, kept] of [
  ['skip', []],
  ['once', [60]],
  [{ all: 3 }, [58, 59, 60]],
] as const) {
  test(`of ticks missed while nobody ran, ${JSON.stringify(missed)} keeps ${kept.length}`, () => {
    const plan = planTicks(timing({ missed }), DOWN);
    assert.deepEqual(
      plan.due.map((tick) => (tick - NOON) / MINUTE),
      kept,
    );
    assert.deepEqual(plan.missed, { last: NOON + 60 * MINUTE, kept: kept.length });
    assert.equal(plan.nextTickMs, NOON + 61 * MINUTE);
    assert.equal(plan.doneMs, DOWN.nowMs);
  });
}

test('what Redis did not take for over a minute is missed, though a scheduler ran', () => {
  const plan = planTicks(timing({ spec: '@every 30s', missed: 'once' }), {
    nowMs: NOON + LATEST_MS + 65_000,
    doneMs: NOON,
    aliveSinceMs: 0,
  });
  assert.deepEqual(
    plan.due.map((tick) => (tick - NOON) / 1000),
    [60, 90, 120],
  );
  assert.deepEqual(plan.missed, { last: NOON + 60_000, kept: 1 });
});

test('there is no tick before the start, and none after the end', () => {
  const entry = timing({ startAtMs: NOON + 2 * MINUTE, endAtMs: NOON + 3 * MINUTE });
  const before = planTicks(entry, { nowMs: NOON, doneMs: NOON - 1, aliveSinceMs: 0 });
  assert.deepEqual(before.due, []);
  assert.equal(before.nextTickMs, NOON + 2 * MINUTE);
  const end = { nowMs: NOON + 4 * MINUTE, doneMs: NOON + 2 * MINUTE, aliveSinceMs: 0 };
  const after = planTicks(entry, end);
  assert.deepEqual(after.due, [NOON + 3 * MINUTE]);
  assert.equal(after.nextTickMs, undefined);
  assert.equal(after.nextDueMs, undefined);
});

test('jitter puts a tick off by the same time for everybody, and ticks stay in order', () => {
  const entry = timing({ spec: '@every 1s', jitterMs: 30_000 });
  const delays = Array.from(
    { length: 200 },
    (_, i) => dueAt(entry, NOON + i * 1000) - i * 1000 - NOON,
  );
  assert.ok(delays.every((delay) => delay >= 0 && delay <= 30_000));
  assert.ok(new Set(delays).size > 190, 'they differ');
  assert.equal(dueAt(entry, NOON), dueAt({ ...entry }, NOON));
  assert.notEqual(dueAt(entry, NOON), dueAt({ ...entry, id: 'other' }, NOON));
  const plan = planTicks(entry, { nowMs: NOON + 20_000, doneMs: NOON, aliveSinceMs: NOON });
  assert.deepEqual(
    plan.due,
    [...plan.due].sort((a, b) => a - b),
  );
  // The watermark stays before the tick that waits.
  assert.ok(plan.nextTickMs !== undefined && plan.nextTickMs <= NOON + 20_000);
  assert.equal(plan.doneMs, plan.nextTickMs - 1);
});

test('a tick whose jitter was not over when nobody ran is not missed', () => {
  const entry = timing({ spec: '0 12 * * *', jitterMs: 10 * MINUTE });
  const due = dueAt(entry, NOON);
  assert.ok(due > NOON + 2);
  const alive = { doneMs: NOON - 1000, aliveSinceMs: due - 1 };
  assert.deepEqual(planTicks(entry, { nowMs: due - 1, ...alive }).due, []);
  assert.deepEqual(planTicks(entry, { nowMs: due, ...alive }).due, [NOON]);
});

test('ten years away cost no more than the ticks that are kept', () => {
  const entry = timing({ spec: '* * * * * *', missed: { all: 5 } });
  const began = ranMs();
  const plan = planTicks(entry, {
    nowMs: NOON + 1,
    doneMs: NOON - 3.2e11,
    aliveSinceMs: NOON + 1,
  });
  const ms = ranMs() - began;
  assert.ok(ms < 1_000, `${ms} ms on a core`);
  assert.deepEqual(
    plan.due.map((tick) => (tick - NOON) / 1000),
    [-4, -3, -2, -1, 0],
  );
});

test('however the passes fall, each tick comes once and in order', () => {
  const passes = fc.array(fc.integer({ min: 1, max: 25_000 }), { minLength: 1, maxLength: 60 });
  const seconds = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(seconds, fc.nat(20_000), passes, (interval, jitterMs, gaps) => {
      const entry = timing({ spec: `@every ${interval}s`, jitterMs });
      const ticks: number[] = [];
      let [nowMs, doneMs] = [NOON, NOON];
      for (const gap of gaps) {
        nowMs += gap;
        const plan = planTicks(entry, { nowMs, doneMs, aliveSinceMs: NOON });
        ticks.push(...plan.due);
        assert.ok(plan.doneMs >= doneMs);
        ({ doneMs } = plan);
      }
      const until = doneMs;
      const wanted: number[] = [];
      for (let t = entry.ticks.nextAfter(NOON) ?? 0; t <= until; t += interval * 1000)
        wanted.push(t);
      assert.deepEqual(ticks, wanted);
    }),
  );
});
