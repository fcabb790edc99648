/** Rows from slices that were measured in turns: ours against each peer. */
import type { Goal } from '../goal.ts';
import { compare, type Metric, type RatioRow } from '../row.ts';

/** What is compared, and how a slice becomes a number. */
export interface Comparison<Slice> {
  readonly measure: string;
  readonly metric: Metric;
  readonly ours: string;
  readonly peers: readonly string[];
  /** Goals for the ratio, by peer. */
  readonly goals?: Readonly<Record<string, Goal>>;
  figure(slice: Slice): number;
}

/** One row per peer. */
export function compareAll<Slice>(
  slices: ReadonlyMap<string, readonly Slice[]>,
  { measure, metric, ours, peers, goals = {}, figure }: Comparison<Slice>,
): RatioRow[] {
  const side = (name: string): { name: string; slices: number[] } => ({
    name,
    slices: (slices.get(name) ?? []).map(figure),
  });
  return peers.map((peer) => compare(measure, metric, side(ours), side(peer), goals[peer]));
}
