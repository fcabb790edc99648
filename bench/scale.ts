/** How long each measure runs. Slices are short, so that the two of a pair lie close together. */

/** Sizes of a whole run. What only one measure needs stands in that measure, chosen by `name`. */
export interface Scale {
  readonly name: 'full' | 'quick';
  /** Rounds of every measure that has a goal = pairs per ratio. */
  readonly rounds: number;
  /** Aimed length of a slice of tasks, its warm-up included. */
  readonly sliceMs: number;
  /** Length of a slice of enqueueing. */
  readonly enqueueSliceMs: number;
  /** Pick-ups in one slice. */
  readonly pickupsPerSlice: number;
  /** Rounds where stops are measured. */
  readonly stopRounds: number;
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

/** What counts: fifteen pairs of a second each. */
export const FULL: Scale = {
  name: 'full',
  rounds: 15,
  sliceMs: 1_600,
  enqueueSliceMs: 1_000,
  pickupsPerSlice: 15,
  stopRounds: 7,
  stopsPerSlice: 20,
  reachesPerSlice: 100,
  replacementsPerSlice: 10,
  callsPerSlice: 5_000_000,
  processRounds: 5,
};

/** Sees that all of it works, and what is clearly wrong: five pairs, as with fewer there is no quartile to speak of. */
export const QUICK: Scale = {
  name: 'quick',
  rounds: 5,
  sliceMs: 400,
  enqueueSliceMs: 150,
  pickupsPerSlice: 5,
  stopRounds: 2,
  stopsPerSlice: 5,
  reachesPerSlice: 30,
  replacementsPerSlice: 4,
  callsPerSlice: 1_000_000,
  processRounds: 1,
};
