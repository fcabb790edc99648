/** CPU-bound work of a known size: the same loop for every contender, measured by turns and not by the clock. */

/** Runs so many turns of an integer loop; answers its last number, so that no compiler can leave the loop out. */
export function spin(turns: number): number {
  let state = 0x9e3779b9;
  for (let turn = 0; turn < turns; turn++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

const WARM_UP_TURNS = 2_000_000;
const SAMPLE_TURNS = 500_000;
const SAMPLES = 21;

/**
 * How many turns take a millisecond on this machine. The fastest of many samples counts: what disturbs a sample only
 * makes it slower.
 */
export function turnsPerMs(): number {
  let sink = spin(WARM_UP_TURNS);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const started = performance.now();
    sink ^= spin(SAMPLE_TURNS);
    bestMs = Math.min(bestMs, performance.now() - started);
  }
  if (!Number.isInteger(sink)) throw new Error('the loop was left out');
  return Math.round(SAMPLE_TURNS / bestMs);
}
