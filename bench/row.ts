/**
 * One line of the result. Where there is a peer, a line is a ratio: a figure of ours, the same figure of the peer, and
 * one divided by the other, pair by pair. Where there is none, it is a figure alone.
 */
import type { Goal } from './goal.ts';
import { median, pairedRatios, type Spread, spread } from './stats.ts';

/** What is measured. `better` says which way it has to go. */
export interface Metric {
  /** E.g. `no-op tasks`. */
  readonly title: string;
  /** E.g. `/s`, `ms`, `us`, `MB`, `% of a core`, `commands/s`; may be empty. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

interface Line extends Metric {
  /** The measure's name: rows of one measure are one group of the report. */
  readonly measure: string;
  /** A row without one is there for orientation. */
  readonly goal?: Goal;
}

/** Ours beside a peer. `ours` and `theirs` are medians over the slices. */
export interface RatioRow extends Line {
  readonly kind: 'ratio';
  readonly peer: string;
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs, pair by pair. */
  readonly ratio: Spread;
}

/** A figure of ours that has no peer. */
export interface FigureRow extends Line {
  readonly kind: 'figure';
  readonly figure: Spread;
}

/** A line of the table, of the report and of the JSON. */
export type Row = RatioRow | FigureRow;

/** The slices of one side, in the order they were measured. */
export interface Side {
  readonly name: string;
  readonly slices: readonly number[];
}

/** Compares two sides whose slices were measured in turns. The goal is one for the ratio. */
export function compare(
  measure: string,
  metric: Metric,
  ours: Side,
  peer: Side,
  goal?: Goal,
): RatioRow {
  return {
    kind: 'ratio',
    measure,
    ...metric,
    peer: peer.name,
    ours: median(ours.slices),
    theirs: median(peer.slices),
    ratio: spread(pairedRatios(ours.slices, peer.slices)),
    ...(goal === undefined ? {} : { goal }),
  };
}

/** A row without a peer, of at least one sample. The goal is one for the figure itself, in its unit. */
export function figureRow(
  measure: string,
  metric: Metric,
  samples: readonly number[],
  goal?: Goal,
): FigureRow {
  return {
    kind: 'figure',
    measure,
    ...metric,
    figure: spread(samples),
    ...(goal === undefined ? {} : { goal }),
  };
}

/** What the row's goal is held against. */
export function judged(row: Row): Spread {
  return row.kind === 'ratio' ? row.ratio : row.figure;
}
