/** The few figures that a benchmark needs of its samples. No IO. */

/** Middle and spread of samples: half of them lie from `q1` to `q3` (the interquartile range). */
export interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
  /** How many samples. */
  readonly count: number;
}

/**
 * The value below which `share` of the samples lie, 0 to 1; between two samples it is interpolated. Throws
 * `RangeError` without samples, or for a share outside 0 to 1.
 */
export function quantile(samples: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share is ${share}, accepts 0 to 1`);
  const sorted = [...samples].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError('there are no samples');
  return below + (above - below) * (place - Math.floor(place));
}

/** The middle of the samples. Throws `RangeError` without samples. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Median and quartiles of the samples. Throws `RangeError` without samples. */
export function spread(samples: readonly number[]): Spread {
  return {
    median: median(samples),
    q1: quantile(samples, 0.25),
    q3: quantile(samples, 0.75),
    count: samples.length,
  };
}

/**
 * The ratios of two series that were measured in turns: slice by slice, as the machine's mood is the same for both
 * only within a pair. Throws `RangeError` when the series differ in length or a divisor is 0.
 */
export function pairedRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(`${ours.length} slices cannot be paired with ${theirs.length}`);
  }
  return ours.map((value, index) => {
    const ratio = value / (theirs[index] ?? Number.NaN);
    if (!Number.isFinite(ratio)) throw new RangeError(`slice ${index} of the peer is 0`);
    return ratio;
  });
}
