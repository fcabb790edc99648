/** How long each measure runs. Slices are short, so that the two of a pair lie close together. */

/** Sizes of a whole run. */
export interface Scale {
  /** Rounds of every measure = pairs per ratio. */
  readonly rounds: number;
  /** Aimed length of a slice of tasks. */
  readonly sliceMs: number;
  /** Length of a slice of enqueueing. */
  readonly enqueueSliceMs: number;
  /** Pick-ups in one slice. */
  readonly pickupsPerSlice: number;
}

/** A baseline: about six minutes on two cores. */
export const FULL: Scale = {
  rounds: 9,
  sliceMs: 1_000,
  enqueueSliceMs: 500,
  pickupsPerSlice: 20,
};

/** A smoke test: under 90 s, its ratios are rough. */
export const QUICK: Scale = {
  rounds: 3,
  sliceMs: 300,
  enqueueSliceMs: 200,
  pickupsPerSlice: 8,
};
