/** A logarithmic axis: ratios of 2 and of 1/2 lie equally far from 1. No IO. */

/** Maps values to places on a line. */
export interface LogAxis {
  /** Values that get a mark, in rising order. */
  readonly ticks: readonly number[];
  /** The place of a value; one outside lies at the end. */
  place(value: number): number;
}

/** Values at most this far apart get all of 1, 2 and 5 as ticks, others the powers of ten alone. */
const FINE_DECADES = 2.5;
/** Below this nothing can be told from nothing. */
const LEAST = 1e-3;

/** An axis of so many pixels that holds all values and 1. Values of 0 and less count as very little. */
export function logAxis(values: readonly number[], pixels: number): LogAxis {
  const shown = [1, ...values.filter(Number.isFinite).map((value) => Math.max(value, LEAST))];
  const low = Math.log10(Math.min(...shown)) - 0.08;
  const high = Math.log10(Math.max(...shown)) + 0.08;
  const place = (value: number): number => {
    const share = (Math.log10(Math.max(value, LEAST)) - low) / (high - low);
    return Math.min(Math.max(share, 0), 1) * pixels;
  };
  return { ticks: ticksBetween(low, high), place };
}

function ticksBetween(low: number, high: number): number[] {
  const steps = high - low > FINE_DECADES ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(3));
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick);
    }
  }
  return ticks;
}
