/** All that a run found out, and what its goals say to it. No IO. */
import type { Environment } from './environment.ts';
import { type Bar, type Verdict, verdict } from './goal.ts';
import { judged, type Row } from './row.ts';
import type { Scale } from './scale.ts';

/** A row with what its goal says; without a goal there is no verdict. */
export type JudgedRow = Row & { readonly verdict?: Verdict };

/** What `--json` prints. */
export interface Report {
  readonly environment: Environment;
  readonly scale: Scale;
  /** How long the measures took. */
  readonly seconds: number;
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
  /** Measures that broke, and of what: their rows are missing. */
  readonly failures: readonly string[];
  /** What has to happen before a goal counts as missed. */
  readonly bar: string;
  readonly rows: readonly JudgedRow[];
  /** How many goals there are by verdict. */
  readonly goals: Readonly<Record<Verdict, number>>;
}

/** Holds a row against its goal. */
export function judge(row: Row, bar: Bar): JudgedRow {
  if (row.goal === undefined) return row;
  return { ...row, verdict: verdict(judged(row), row.goal, row.kind, bar) };
}

/** The second of two tries at the same rows: what it misses counts only when the first one missed it too. */
export function missedTwice(
  first: readonly JudgedRow[],
  second: readonly JudgedRow[],
): JudgedRow[] {
  const missed = new Set(first.filter((row) => row.verdict === 'missed').map(nameOf));
  return second.map((row) =>
    row.verdict === 'missed' && !missed.has(nameOf(row)) ? { ...row, verdict: 'unclear' } : row,
  );
}

function nameOf(row: Row): string {
  return `${row.measure}, ${row.title}, ${row.kind === 'ratio' ? row.peer : 'alone'}`;
}

/** Counts the rows with this verdict. */
export function countOf(rows: readonly JudgedRow[], which: Verdict): number {
  return rows.filter((row) => row.verdict === which).length;
}

/** Puts a report together. */
export function makeReport(parts: Omit<Report, 'bar' | 'goals'>, bar: Bar): Report {
  const { rows } = parts;
  const goals = {
    met: countOf(rows, 'met'),
    missed: countOf(rows, 'missed'),
    unclear: countOf(rows, 'unclear'),
  };
  return { ...parts, bar: bar.text, goals };
}
