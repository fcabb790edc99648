/** Columns of a list: which of them fit, and how wide each is. Pure. */
import { fit, widthOf } from './text.ts';

/** One column. */
export interface Column<Row> {
  readonly head: string;
  /** `undefined`: takes what is left. */
  readonly width?: number;
  readonly align?: 'left' | 'right';
  /** The higher, the sooner it is left out where the terminal is narrow. */
  readonly rank: number;
  readonly text: (row: Row) => string;
}

const GAP = 1;
/** What a column that takes the rest must have at least. */
const MIN_REST = 10;

/** The columns that fit into so many, with their widths: those of the highest rank go first. */
export function choose<Row>(
  columns: readonly Column<Row>[],
  width: number,
): (Column<Row> & { readonly width: number })[] {
  let kept = [...columns];
  while (kept.length > 1 && needed(kept) > width) {
    const worst = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank !== worst);
  }
  const rests = kept.filter((column) => column.width === undefined).length;
  const spare = width - needed(kept);
  return kept.map((column) => ({
    ...column,
    width: column.width ?? Math.max(1, MIN_REST + Math.floor(spare / Math.max(1, rests))),
  }));
}

function needed(columns: readonly Column<never>[]): number {
  const widths = columns.map(({ width = MIN_REST }) => width);
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (columns.length - 1);
}

/** Cells side by side. Never wider than the terminal. */
export function line<Row>(
  columns: readonly (Column<Row> & { readonly width: number })[],
  textOf: (column: Column<Row>) => string,
): string {
  return columns
    .map((column) => fit(textOf(column), column.width, column.align))
    .join(' '.repeat(GAP));
}

/** Below so many columns for the left text, the right one is left out. */
const MIN_LEFT = 20;

/** Two texts on one line: the left one is cut where both are too long, the right one stands at the end. */
export function spread(left: string, right: string, width: number): string {
  const room = width - widthOf(right) - 1;
  return room < MIN_LEFT ? fit(left, width) : `${fit(left, room)} ${right}`;
}
