/**
 * A group of rows as a picture: per row the middle of its samples, the range of their middle half, and its goal. By hand,
 * as it is a few lines and circles; it follows the reader's light or dark scheme. No IO.
 */
import type { JudgedRow } from '../report.ts';
import { figure } from '../table.ts';
import { type LogAxis, logAxis } from './log-axis.ts';
import { element, textElement } from './xml.ts';

const PLOT = 340;
const FIGURES = 130;
/** Of a letter on average, with something to spare: which font the reader has is not known. */
const LETTER = 7.2;
const LINE = 24;
const HEAD = 46;
const FOOT = 14;

/** A row as it is drawn. */
interface Drawn {
  readonly label: string;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
  readonly goal: number | undefined;
  readonly state: 'met' | 'missed' | 'unclear' | 'none';
}

/** Rows that share an axis. */
interface Panel {
  readonly caption: string;
  readonly rows: readonly Drawn[];
}

/** The picture of one group; `undefined` when none of its rows can be drawn. */
export function plot(title: string, rows: readonly JudgedRow[]): string | undefined {
  const panels = panelsOf(rows).filter((panel) => panel.rows.length > 0);
  if (panels.length === 0) return undefined;
  const longest = Math.max(
    ...panels.flatMap((panel) => panel.rows.map(({ label }) => label.length)),
  );
  const left = Math.ceil(longest * LETTER) + 12;
  let top = 0;
  const drawn = panels.map((panel) => {
    const group = element('g', { transform: `translate(${left} ${top})` }, ...drawPanel(panel));
    top += heightOf(panel);
    return group;
  });
  const width = left + PLOT + FIGURES;
  const size = { width, height: top, viewBox: `0 0 ${width} ${top}` };
  const svg = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', role: 'img', ...size },
    textElement('title', {}, title),
    element('style', {}, STYLE),
    ...drawn,
  );
  return `${svg}\n`;
}

function panelsOf(rows: readonly JudgedRow[]): Panel[] {
  const ratios = (better: JudgedRow['better']): Drawn[] =>
    rows.flatMap((row) => (row.kind === 'ratio' && row.better === better ? [drawnRatio(row)] : []));
  return [
    { caption: 'Threadmill ÷ peer: right is better', rows: ratios('higher') },
    { caption: 'Threadmill ÷ peer: left is better', rows: ratios('lower') },
    { caption: 'figure ÷ goal', rows: rows.flatMap(drawnFigure) },
  ];
}

function drawnRatio(row: JudgedRow & { kind: 'ratio' }): Drawn {
  const { median, q1, q3 } = row.ratio;
  const label = `${row.title}: ${row.peer}`;
  return { label, q1, median, q3, goal: row.goal?.bound, state: row.verdict ?? 'none' };
}

/** Without a goal there is nothing that a figure could be drawn beside. */
function drawnFigure(row: JudgedRow): Drawn[] {
  if (row.kind !== 'figure' || row.goal === undefined || row.goal.bound <= 0) return [];
  const { bound, direction } = row.goal;
  const { median, q1, q3 } = row.figure;
  return [
    {
      label: `${row.title} (${direction} ${figure(bound)} ${row.unit})`.replace(' )', ')'),
      q1: q1 / bound,
      median: median / bound,
      q3: q3 / bound,
      goal: 1,
      state: row.verdict ?? 'none',
    },
  ];
}

function heightOf({ rows }: Panel): number {
  return HEAD + rows.length * LINE + FOOT;
}

/** With the labels left of 0. */
function drawPanel(panel: Panel): string[] {
  const { caption, rows } = panel;
  const values = rows.flatMap(({ q1, median, q3, goal }) => [q1, median, q3, goal ?? 1]);
  const axis = logAxis(values, PLOT);
  const bottom = HEAD + rows.length * LINE;
  return [
    textElement('text', { x: 0, y: 16, class: 'strong' }, caption),
    ...axis.ticks.flatMap((tick) => drawTick(axis, tick, bottom)),
    ...rows.flatMap((row, index) => drawRow(axis, row, HEAD + index * LINE)),
  ];
}

function drawTick(axis: LogAxis, tick: number, bottom: number): string[] {
  const x = axis.place(tick);
  const line = { x1: x, x2: x, y1: HEAD - 8, y2: bottom, class: tick === 1 ? 'one' : 'grid' };
  const label = { x, y: HEAD - 12, class: 'small', 'text-anchor': 'middle' };
  return [element('line', line), textElement('text', label, String(tick))];
}

function drawRow(axis: LogAxis, row: Drawn, top: number): string[] {
  const y = top + LINE / 2;
  const at = (value: number): number => axis.place(value);
  const x = at(row.median);
  const range = { x1: at(row.q1), x2: at(row.q3), y1: y, y2: y, class: `range ${row.state}` };
  return [
    textElement('text', { x: -12, y: y + 4, 'text-anchor': 'end' }, row.label),
    ...(row.goal === undefined ? [] : drawGoal(at(row.goal), y)),
    element('line', range),
    row.state === 'missed' ? drawCross(x, y) : drawDot(x, y, row.state),
    textElement('text', { x: PLOT + 16, y: y + 4 }, wordsOf(row)),
  ];
}

function drawDot(x: number, y: number, state: Drawn['state']): string {
  return element('circle', { cx: x, cy: y, r: 5, class: `dot ${state}` });
}

function drawCross(x: number, y: number): string {
  const d = `M${(x - 5).toFixed(1)} ${y - 5}l10 10m0 -10l-10 10`;
  return element('path', { d, class: 'cross missed' });
}

function drawGoal(x: number, y: number): string[] {
  return [element('line', { x1: x, x2: x, y1: y - 10, y2: y + 10, class: 'goal' })];
}

/** What the shape says as well, for those who see no colours. */
function wordsOf({ median, state }: Drawn): string {
  return state === 'none' ? figure(median) : `${figure(median)}, ${state}`;
}

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.strong { font-weight: 600; }
.small { font-size: 11px; fill: #57606a; }
.grid { stroke: #d0d7de; }
.one { stroke: #57606a; }
.goal { stroke: #24292f; stroke-width: 2; stroke-dasharray: 3 2; }
.range { stroke-width: 5; stroke-opacity: 0.45; }
.met { stroke: #1a7f37; fill: #1a7f37; }
.missed { stroke: #cf222e; fill: #cf222e; }
.unclear { stroke: #9a6700; fill: #9a6700; }
.none { stroke: #57606a; fill: #57606a; }
.dot { stroke-width: 2; }
.dot.unclear { fill: #ffffff; }
.cross { stroke-width: 3; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #d1d9e0; }
.small { fill: #9198a1; }
.grid { stroke: #3d444d; }
.one { stroke: #9198a1; }
.goal { stroke: #d1d9e0; }
.met { stroke: #3fb950; fill: #3fb950; }
.missed { stroke: #f85149; fill: #f85149; }
.unclear { stroke: #d29922; fill: #d29922; }
.none { stroke: #9198a1; fill: #9198a1; }
.dot.unclear { fill: #0d1117; }
.cross { fill: none; }
}
`;
