/** The result as text: machine and versions at the head, then a line per ratio. */
import Table from 'cli-table3';
import type { Environment } from './environment.ts';
import type { Row } from './row.ts';

/** Head and table, ready to print. No colours, so that it can be pasted. */
export function renderTable(environment: Environment, rows: readonly Row[]): string {
  const table = new Table({
    head: ['measure', 'Threadmill', 'peer', "peer's", 'ratio', 'middle half', 'better'],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  rows.forEach((row, index) => {
    table.push(cells(row, rows[index - 1]));
  });
  return `${head(environment)}\n${table.toString()}\n${LEGEND}\n`;
}

const LEGEND =
  'ratio: Threadmill divided by its peer, slices measured in turns; median of the pairs, and the range of their middle half.';

function head({ date, cpu, cores, memoryGb, system, load, versions }: Environment): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, load ${load}`,
    names.join(', '),
  ].join('\n');
}

/** A title is written once: the lines below it compare the same figure with other peers. */
function cells(row: Row, above: Row | undefined): string[] {
  const { ratio, unit } = row;
  const isRepeated = above?.title === row.title;
  return [
    isRepeated ? '' : row.title,
    isRepeated ? '' : `${figure(row.ours)} ${unit}`,
    row.peer,
    `${figure(row.theirs)} ${unit}`,
    figure(ratio.median),
    `${figure(ratio.q1)} to ${figure(ratio.q3)}`,
    row.better,
  ];
}

/** Three digits that count: `43,210`, `5.33`, `0.0123`. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
