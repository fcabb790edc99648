/** Bounds the number of label values: task types come from outside, and each would be a time series for ever. */

/** Label value of everything beyond the bound. */
export const OTHER = 'other';
/** Task types that get a label of their own. */
export const MAX_TYPES = 200;
/** Longer names are never labels: they would be sent at every scrape, for ever. Characters. */
const MAX_LENGTH = 200;

/** The first `limit` values keep their name; all later ones, and names over 200 characters, become `other`. */
export function firstOnly(limit: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= limit || value.length > MAX_LENGTH) return OTHER;
    known.add(value);
    return value;
  };
}

/** Only these values keep their name. */
export function onlyThese(values: readonly string[]): (value: string) => string {
  const known = new Set(values);
  return (value) => (known.has(value) ? value : OTHER);
}
