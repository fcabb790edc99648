import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurns, type Turn } from '../../bench/rounds.ts';
import { compareAll } from '../../bench/measures/compare-all.ts';

/** A side that answers the given figures one after the other, and writes down its turns. */
function side(name: string, figures: readonly number[], order: string[] = []): Turn<number> {
  const left = [...figures];
  return {
    name,
    slice: async () => {
      order.push(name);
      return left.shift() ?? Number.NaN;
    },
  };
}

test('contenders take turns, and every second round runs backwards', async () => {
  const order: string[] = [];
  const turns = ['a', 'b', 'c'].map((name) => side(name, [1, 2, 3], order));
  const slices = await inTurns(turns, 3);
  assert.equal(order.join(''), 'abccbaabc');
  assert.deepEqual(
    [...slices],
    [
      ['a', [1, 2, 3]],
      ['b', [1, 2, 3]],
      ['c', [1, 2, 3]],
    ],
  );
});

test('a contender that breaks breaks the measure', async () => {
  const broken = { name: 'b', slice: () => Promise.reject(new Error('no handler began')) };
  await assert.rejects(inTurns([side('a', [1]), broken], 1), /no handler began/);
});

test('two contenders of one name are refused, as their slices would mix', async () => {
  await assert.rejects(inTurns([side('a', [1]), side('a', [1])], 1), RangeError);
});

test('ours is compared with each peer by the slices of the same round', async () => {
  const slices = await inTurns([side('ours', [10, 20, 90]), side('peer', [5, 5, 10])], 3);
  const metric = { title: 'tasks', unit: '/s', better: 'higher' } as const;
  const rows = compareAll(slices, {
    measure: 'noop',
    metric,
    ours: 'ours',
    peers: ['peer'],
    figure: (slice) => slice,
  });
  assert.deepEqual(rows, [
    {
      kind: 'ratio',
      measure: 'noop',
      ...metric,
      peer: 'peer',
      ours: 20,
      theirs: 5,
      ratio: { median: 4, q1: 3, q3: 6.5, count: 3 },
    },
  ]);
});
