import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, FULL_BAR, QUICK_BAR, type Bar } from '../../bench/goal.ts';
import type { Measure } from '../../bench/measures/measure.ts';
import type { Report } from '../../bench/report.ts';
import { compare } from '../../bench/row.ts';
import { runMeasures } from '../../bench/run-measures.ts';
import { QUICK } from '../../bench/scale.ts';

/** A measure whose looks find these ratios, one after the other. */
function measure(name: string, ratios: readonly number[], looks: string[] = []): Measure {
  const left = [...ratios];
  return {
    name,
    title: name,
    run: async () => {
      looks.push(name);
      const found = left.shift() ?? Number.NaN;
      const slices = [found, found, found, found, found];
      const metric = { title: name, unit: '/s', better: 'higher' } as const;
      const peer = { name: 'peer', slices: slices.map(() => 1) };
      return [compare(name, metric, { name: 'ours', slices }, peer, atLeast(10))];
    },
  };
}

function run(measures: readonly Measure[], bar: Bar): Promise<Report> {
  return runMeasures({
    measures,
    scale: QUICK,
    bar,
    redisUrl: undefined,
    onProgress: () => undefined,
  });
}

test('a quick run looks again at what seems missed, when all else is through, and believes the second look', async () => {
  const looks: string[] = [];
  const measures = [
    measure('a', [1, 9], looks),
    measure('b', [1, 2], looks),
    measure('c', [8], looks),
  ];
  const { rows, goals } = await run(measures, QUICK_BAR);
  assert.deepEqual(looks, ['a', 'b', 'c', 'a', 'b']);
  assert.deepEqual(
    rows.map(({ verdict }) => verdict),
    ['unclear', 'missed', 'unclear'],
  );
  assert.deepEqual(goals, { met: 0, missed: 1, unclear: 2 });
});

test('a full run looks once', async () => {
  const looks: string[] = [];
  const { goals } = await run([measure('a', [9.9, 20], looks)], FULL_BAR);
  assert.deepEqual(looks, ['a']);
  assert.equal(goals.missed, 1);
});

test('a measure that breaks is told of, and leaves the figures of the others', async () => {
  const broken: Measure = {
    name: 'broken',
    title: 'broken',
    run: () => Promise.reject(new Error('a task was lost')),
  };
  const { rows, failures } = await run([broken, measure('a', [20])], FULL_BAR);
  assert.deepEqual(
    rows.map(({ verdict }) => verdict),
    ['met'],
  );
  assert.match(failures.join(), /^broken broke: Error: a task was lost/);
});
