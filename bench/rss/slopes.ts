/** How steeply a series rises, robust against single outliers. No IO. */

/** One sample. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The slope from each point of the first half to its counterpart in the second half: their median is a robust measure of
 * the rise, and their quartiles tell how even it is. Throws `RangeError` with fewer than two points.
 */
export function slopes(points: readonly Point[]): number[] {
  const half = Math.floor(points.length / 2);
  if (half === 0) throw new RangeError('one point has no slope');
  return points.slice(0, half).map((early, index) => {
    const late = points[points.length - half + index] ?? early;
    return (late.y - early.y) / (late.x - early.x);
  });
}
