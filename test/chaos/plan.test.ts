import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../helpers/random.ts';
import { KINDS, makePlan, traitsOf } from './plan.ts';
import { BAD_TYPES, makeTaskSet } from './task-set.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

function planOf(seed: number, seconds: number): ReturnType<typeof makePlan> {
  return makePlan({ random: seededRandom(seed), lengthMs: seconds * 1_000 });
}

test('the same seed makes the same plan and the same tasks, another one others', () => {
  assert.deepEqual(planOf(5, 60), planOf(5, 60));
  assert.notDeepEqual(planOf(5, 60), planOf(6, 60));
  const tasksOf = (seed: number): ReturnType<typeof makeTaskSet> =>
    makeTaskSet({ random: seededRandom(seed), lengthMs: 60_000, prefix: 'p' });
  assert.deepEqual(tasksOf(5), tasksOf(5));
  assert.notDeepEqual(tasksOf(5), tasksOf(6));
});

test('every plan has every kind, in order, each with a target that can suffer it, in good time', () => {
  for (const seed of SEEDS) {
    for (const seconds of [30, 60, 600]) {
      const plan = planOf(seed, seconds);
      assert.deepEqual(new Set(plan.map(({ kind }) => kind)), new Set(KINDS));
      assert.deepEqual(
        plan,
        [...plan].sort((a, b) => a.at - b.at),
      );
      for (const { kind, at, target } of plan) {
        assert.ok(at < seconds * 1_000 - 5_000, `${kind} at ${at} of ${seconds} s`);
        assert.ok(traitsOf(kind).targets.includes(target), `${kind} for ${target}`);
      }
    }
  }
});

test('a longer run has more of everything', () => {
  const count = (seconds: number): number => planOf(3, seconds).length;
  assert.ok(count(600) > 5 * count(60));
});

test('every set has every kind of handler and end, scheduled tasks, and some that are enqueued through the proxy', () => {
  for (const seed of SEEDS) {
    const tasks = makeTaskSet({ random: seededRandom(seed), lengthMs: 60_000, prefix: 'p' });
    const types = new Set(tasks.map(({ type }) => type));
    for (const type of BAD_TYPES) assert.ok(types.has(type), type);
    assert.equal(new Set(tasks.map(({ id }) => id)).size, tasks.length);
    for (const end of ['completed', 'gone'] as const)
      assert.ok(tasks.some((one) => one.end === end));
    assert.ok(tasks.some(({ options }) => options.processIn !== undefined));
    assert.ok(tasks.some(({ isProxied }) => isProxied));
  }
});
