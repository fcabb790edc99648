/** Reads figures out of what `/metrics` answers. No IO. */

/** The sum of all series of this name; 0 without any. */
export function sumOf(text: string, name: string): number {
  return series(text, name).reduce((sum, { value }) => sum + value, 0);
}

/** The sums of this name by one of its labels. */
export function sumBy(text: string, name: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of series(text, name)) {
    const key = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

function series(text: string, name: string): { labels: string; value: number }[] {
  return text.split('\n').flatMap((line) => {
    const [, found, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    return found === name ? [{ labels, value: Number(value) }] : [];
  });
}
