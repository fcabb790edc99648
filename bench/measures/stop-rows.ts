/** Rows of samples that are taken in turns, against bare peers and against promised bounds. */
import type { Metric, RatioRow } from '../row.ts';
import { inTurns, type Turn } from '../rounds.ts';
import { quantile } from '../stats.ts';
import { compareAll } from './compare-all.ts';

const PROMISED = 'promised';

/** Samples of one slice. */
export type Samples = readonly number[];

/** One group of rows: the first turn is ours. */
export interface StopComparison {
  readonly turns: readonly [Turn<Samples>, ...Turn<Samples>[]];
  readonly rounds: number;
  readonly title: string;
  readonly unit?: Metric['unit'];
  /** Which of a slice's samples stand for it. Default: 50, the middle one, and no word of it in the title. */
  readonly percents?: readonly number[];
}

/** Measures in turns; per percentile one row per peer. */
export async function compareStops(comparison: StopComparison): Promise<RatioRow[]> {
  const { turns, rounds, title, unit = 'ms', percents } = comparison;
  const [ours, ...peers] = turns;
  const slices = await inTurns(turns, rounds);
  const asked = percents ?? [50];
  return asked.flatMap((percent) =>
    compareAll<Samples>(slices, {
      measure: 'stop',
      metric: {
        title: percents === undefined ? title : `${title}, p${percent}`,
        unit,
        better: 'lower',
      },
      ours: ours.name,
      // A promise is about the slow ones.
      peers: peers
        .map(({ name }) => name)
        .filter((name) => name !== PROMISED || percent === asked.at(-1)),
      figure: (samples) => quantile(samples, percent / 100),
    }),
  );
}

/** A side whose every slice is so many samples. */
export function sampled(name: string, count: number, sample: () => Promise<number>): Turn<Samples> {
  return {
    name,
    slice: async () => {
      const samples: number[] = [];
      for (let i = 0; i < count; i += 1) samples.push(await sample());
      return samples;
    },
  };
}

/** What was promised, as a peer: a ratio below 1 keeps it. */
export function promised(value: number): Turn<Samples> {
  return { name: PROMISED, slice: () => Promise.resolve([value]) };
}
