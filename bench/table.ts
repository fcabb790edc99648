/** The result as text: machine and versions at the head, then a line per row. */
import Table from 'cli-table3';
import type { Environment } from './environment.ts';
import type { JudgedRow, Report } from './report.ts';

/** Head and table, ready to print. No colours, so that it can be pasted. */
export function renderTable({ environment, rows, bar, notes, failures }: Report): string {
  const table = new Table({
    head: ['measure', 'Threadmill', 'peer', "peer's", 'ratio', 'middle half', 'better', 'goal', ''],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'left', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  rows.forEach((row, index) => {
    table.push(cells(row, rows[index - 1]));
  });
  const lines = [...headLines(environment), table.toString(), LEGEND, bar, ...notes, ...failures];
  return `${lines.join('\n')}\n`;
}

const LEGEND =
  'ratio: Threadmill divided by its peer, slices measured in turns; median of the pairs, and the range of their middle half.';

/** Machine and versions, for people. */
export function headLines(environment: Environment): string[] {
  const { date, cpu, cores, memoryGb, system, load, versions } = environment;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, load ${load}`,
    names.join(', '),
  ];
}

/** A title is written once: the lines below it compare the same figure with other peers. */
function cells(row: JudgedRow, above: JudgedRow | undefined): string[] {
  const isRepeated = above?.title === row.title && oursOf(above) === oursOf(row);
  const title = isRepeated ? '' : row.title;
  const last = [row.better, row.goal?.text ?? '', row.verdict ?? ''];
  if (row.kind === 'figure') {
    const { median, q1, q3 } = row.figure;
    return [
      title,
      withUnit(median, row.unit),
      '',
      '',
      '',
      `${figure(q1)} to ${figure(q3)}`,
      ...last,
    ];
  }
  const { ratio, unit } = row;
  return [
    title,
    isRepeated ? '' : withUnit(row.ours, unit),
    row.peer,
    withUnit(row.theirs, unit),
    figure(ratio.median),
    `${figure(ratio.q1)} to ${figure(ratio.q3)}`,
    ...last,
  ];
}

function oursOf(row: JudgedRow): number {
  return row.kind === 'ratio' ? row.ours : row.figure.median;
}

function withUnit(value: number, unit: string): string {
  return `${figure(value)} ${unit}`.trim();
}

/** Three digits that count: `43,210`, `5.33`, `0.0123`. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
