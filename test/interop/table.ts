/** The table at the end of a walk. Pure. */

/** One point, as it went on one stage. */
export interface Row {
  readonly point: number;
  /** Tests of the same point may share a line. */
  readonly what: string;
  readonly direction: string;
  readonly version: string;
  readonly on: string;
  readonly isOk: boolean;
}

const HEAD = ['point', 'direction', 'asynq', 'Redis', 'Cluster', 'what'];
const STAGES = ['Redis', 'Cluster'];

/** A line per point, direction and version, by point, with the result on each stage. */
export function renderTable(rows: readonly Row[]): string {
  const sorted = [...rows].sort((a, b) => a.point - b.point || compare(orderOf(a), orderOf(b)));
  const lines = [...new Set(sorted.map(keyOf))].map((key) => {
    const own = sorted.filter((row) => keyOf(row) === key);
    const [point = '', direction = '', version = '', what = ''] = key.split('\0');
    const results = STAGES.map((stage) => resultOf(own.filter(({ on }) => on === stage)));
    return [point, direction, version, ...results, what];
  });
  const whole = [HEAD, ...lines];
  const widths = HEAD.map((_, column) =>
    Math.max(...whole.map((cells) => (cells[column] ?? '').length)),
  );
  return whole
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** How many of them there were, where it is more than one. */
function resultOf(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const bad = rows.filter(({ isOk }) => !isOk).length;
  if (bad > 0) return `FAILED ${bad}`;
  return rows.length === 1 ? 'ok' : `ok ${rows.length}`;
}

function keyOf({ point, direction, version, what }: Row): string {
  return [point, direction, version, what].join('\0');
}

/** The newest version first. */
function orderOf({ direction, version }: Row): string {
  return `${direction} ${version === '0.24.1' ? 'b' : 'a'} ${version}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
