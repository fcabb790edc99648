/** Tables for people: plain columns, as narrow as a terminal wants them and as wide as a pipe needs them. */
import Table from 'cli-table3';
import { oneLine } from './text.ts';
import { paint } from './style.ts';

/** One column. */
export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
  /** Long texts, which are cut where a terminal is too narrow. */
  readonly isFlexible?: boolean;
}

type Cell = string | number;

const GAP = '  ';
const MIN_FLEXIBLE = 8;

/** No lines, no frame: columns only, so that `awk` and eyes read them alike. */
const BARE = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((name) => [name, '']),
);

/** The rows under their heads. `width`: of the terminal; `undefined` (a pipe) cuts nothing. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(String(cell))));
  const heads = columns.map(({ head }) => head.toUpperCase());
  const table = new Table({
    head: heads.map((head) => paint('bold', head)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    colWidths: fittingWidths(columns, [heads, ...cells], width),
    chars: { ...BARE, middle: GAP },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(...cells);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names and values below each other. Values that are not there leave no line. */
export function listText(
  pairs: readonly (readonly [string, string | number | undefined])[],
): string {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${paint('bold', name.padEnd(width))}${GAP}${oneLine(String(value))}`)
    .join('\n');
}

/** A line above a table. */
export function titleText(title: string): string {
  return paint(['bold', 'underline'], title);
}

/** Columns of the terminal behind stdout; `undefined` for a pipe or a file. */
function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Widths of the flexible columns where the whole is too wide; `null` leaves a column as wide as its longest cell. */
function fittingWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): (number | null)[] {
  const natural = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const whole = natural.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1));
  let excess = width === undefined ? 0 : whole - width;
  const widths: (number | null)[] = columns.map(() => null);
  const widest = natural
    .map((size, at) => ({ size, at }))
    .filter(({ at }) => columns[at]?.isFlexible === true)
    .sort((a, b) => b.size - a.size);
  for (const [order, { size, at }] of widest.entries()) {
    if (excess <= 0) break;
    const share = order === widest.length - 1 ? excess : Math.min(excess, size - MIN_FLEXIBLE);
    const cut = Math.max(MIN_FLEXIBLE, size - share);
    excess -= size - cut;
    widths[at] = cut;
  }
  return widths;
}
