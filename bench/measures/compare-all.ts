/** Rows from slices that were measured in turns: ours against each peer. */
import { compare, type Metric, type Row } from '../row.ts';

/** What is compared, and how a slice becomes a number. */
export interface Comparison<Slice> {
  readonly measure: string;
  readonly metric: Metric;
  readonly ours: string;
  readonly peers: readonly string[];
  figure(slice: Slice): number;
}

/** One row per peer. */
export function compareAll<Slice>(
  slices: ReadonlyMap<string, readonly Slice[]>,
  { measure, metric, ours, peers, figure }: Comparison<Slice>,
): Row[] {
  const side = (name: string): { name: string; slices: number[] } => ({
    name,
    slices: (slices.get(name) ?? []).map(figure),
  });
  return peers.map((peer) => compare(measure, metric, side(ours), side(peer)));
}
