/** Words for people. No IO. */

/** `a`, `a and b`, `a, b and c`. */
export function formatList(parts: readonly string[]): string {
  const [last = '', ...rest] = parts.toReversed();
  return rest.length === 0 ? last : `${rest.toReversed().join(', ')} and ${last}`;
}
