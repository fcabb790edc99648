/** Reads the tables that commands print. */

/** The cells of each line that is not empty: columns stand at least two spaces apart. */
export function rowsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/ {2,}/));
}
