/** "Did you mean …": the nearest known name to an unknown one. */

/** The known name nearest to `name`, if it is near enough to be a slip; case does not count. */
export function suggestName(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many letters must be added, dropped or changed to turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 20) return Number.POSITIVE_INFINITY; // never a slip, and bounds the work
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The `accepts` of an option that does not exist. */
export function unknownOption(name: string, known: readonly string[]): string {
  const suggestion = suggestName(name, known);
  return suggestion === undefined
    ? `nothing: there is no such option (there are ${known.join(', ')})`
    : `nothing: there is no such option, did you mean ${suggestion}?`;
}
