/** One line of the result: a figure of ours, the same figure of a peer, and their ratio. */
import { median, pairedRatios, type Spread, spread } from './stats.ts';

/** What is measured. `better` says which way a ratio has to go. */
export interface Metric {
  /** E.g. `no-op tasks`. */
  readonly title: string;
  readonly unit: '/s' | 'ms' | 'us' | 'ns';
  readonly better: 'higher' | 'lower';
}

/** A line of the table, and of the JSON. `ours` and `theirs` are medians over the slices. */
export interface Row extends Metric {
  readonly measure: string;
  readonly peer: string;
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs, pair by pair. */
  readonly ratio: Spread;
}

/** The slices of one side, in the order they were measured. */
export interface Side {
  readonly name: string;
  readonly slices: readonly number[];
}

/** Compares two sides whose slices were measured in turns. */
export function compare(measure: string, metric: Metric, ours: Side, peer: Side): Row {
  return {
    measure,
    ...metric,
    peer: peer.name,
    ours: median(ours.slices),
    theirs: median(peer.slices),
    ratio: spread(pairedRatios(ours.slices, peer.slices)),
  };
}
