import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost, FULL_BAR } from '../../bench/goal.ts';
import { logAxis } from '../../bench/rendering/log-axis.ts';
import { plot } from '../../bench/rendering/plot.ts';
import { judge, type JudgedRow } from '../../bench/report.ts';
import { compare, figureRow, type Metric } from '../../bench/row.ts';
import { elementsOf } from './read-xml.ts';

const RATE: Metric = { title: 'no-op <tasks> & "more"', unit: '/s', better: 'higher' };
const TIME: Metric = { title: 'pick-up', unit: 'ms', better: 'lower' };

function ratio(
  metric: Metric,
  values: readonly number[],
  goal?: Parameters<typeof compare>[4],
): JudgedRow {
  const peer = { name: 'peer', slices: values.map(() => 1) };
  return judge(compare('noop', metric, { name: 'ours', slices: values }, peer, goal), FULL_BAR);
}

const ROWS: readonly JudgedRow[] = [
  ratio(RATE, [12, 13, 14], atLeast(12)),
  ratio(RATE, [0.1, 0.2, 0.3], atLeast(1)),
  ratio(TIME, [0.7, 0.9, 1], atMost(0.8)),
  ratio(TIME, [1, 2, 3]),
  judge(
    figureRow('idle', { ...TIME, title: 'RSS growth', unit: 'MB' }, [-1, 0, 2], atMost(4)),
    FULL_BAR,
  ),
];

test('a picture is well-formed, and shows each row, its goal and its verdict by its shape', () => {
  const svg = plot('a <title>', ROWS);
  const elements = elementsOf(svg ?? '');
  assert.deepEqual(elements[0]?.name, 'svg');
  const classes = elements.map(({ attributes }) => attributes['class'] ?? '');
  const having = (name: string): number =>
    classes.filter((list) => list.split(' ').includes(name)).length;
  assert.equal(having('range'), 5);
  assert.equal(having('goal'), 4);
  assert.equal(having('cross'), 1);
  assert.equal(having('dot'), 4);
  assert.match(svg ?? '', /no-op &lt;tasks&gt; &amp; &quot;more&quot;: peer/);
  assert.match(svg ?? '', /13\.0, met/);
  assert.match(svg ?? '', /0\.200, missed/);
  assert.match(svg ?? '', /0\.900, unclear/);
  assert.match(svg ?? '', /prefers-color-scheme: dark/);
});

test('everything lies inside the picture, whatever the figures are', () => {
  const wild = [ratio(RATE, [1e-9, 1, 1e9]), ratio(RATE, [0, 0, 0]), ...ROWS];
  const [svg, ...rest] = elementsOf(plot('wild', wild) ?? '');
  const [, , width = 0] = (svg?.attributes['viewBox'] ?? '').split(' ').map(Number);
  let left = 0;
  let places = 0;
  for (const { attributes } of rest) {
    const moved = /^translate\((\d+) /.exec(attributes['transform'] ?? '')?.[1];
    if (moved !== undefined) left = Number(moved);
    for (const name of ['x', 'x1', 'x2', 'cx']) {
      if (attributes[name] === undefined) continue;
      const x = left + Number(attributes[name]);
      assert.ok(x >= 0 && x <= width, `${name} is ${attributes[name]}`);
      places += 1;
    }
  }
  assert.ok(left > 0 && places > 20);
});

test('figures without a goal have no picture', () => {
  assert.equal(plot('idle', [figureRow('idle', TIME, [1, 2])]), undefined);
  assert.equal(plot('nothing', []), undefined);
});

test('an axis keeps the same distance for the same factor, and marks 1', () => {
  const axis = logAxis([0.25, 4], 100);
  const left = axis.place(1) - axis.place(0.5);
  assert.ok(Math.abs(axis.place(2) - axis.place(1) - left) < 1e-9);
  assert.ok(axis.ticks.includes(1));
  assert.deepEqual(
    [...axis.ticks].sort((a, b) => a - b),
    axis.ticks,
  );
  assert.ok(logAxis([0.001, 1_000], 100).ticks.length <= 8);
});
