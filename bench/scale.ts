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
  /** Canceled tasks in one slice. */
  readonly stopsPerSlice: number;
  /** Stops in one slice where only their way to the thread is measured. */
  readonly reachesPerSlice: number;
  /** Threads replaced in one slice. */
  readonly replacementsPerSlice: number;
  /** Calls timed in one slice. */
  readonly callsPerSlice: number;
  /** Rounds where each sample costs a process, and a second or two. */
  readonly processRounds: number;
}

/** A baseline: about six minutes on two cores. */
export const FULL: Scale = {
  rounds: 9,
  sliceMs: 1_000,
  enqueueSliceMs: 500,
  pickupsPerSlice: 20,
  stopsPerSlice: 20,
  reachesPerSlice: 100,
  replacementsPerSlice: 10,
  callsPerSlice: 5_000_000,
  processRounds: 7,
};

/** A smoke test: under 90 s, its ratios are rough. */
export const QUICK: Scale = {
  rounds: 3,
  sliceMs: 300,
  enqueueSliceMs: 200,
  pickupsPerSlice: 8,
  stopsPerSlice: 6,
  reachesPerSlice: 30,
  replacementsPerSlice: 4,
  callsPerSlice: 1_000_000,
  processRounds: 2,
};
