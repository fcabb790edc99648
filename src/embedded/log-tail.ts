/** Reads the last lines of a server's log for an error message. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const LINES = 8;
const BYTES = 4096;

/** The last lines behind a colon, to be put at the end of a sentence; empty when there are none. */
export function tailOf(log: number): string {
  const { size } = fstatSync(log);
  const buffer = Buffer.alloc(Math.min(size, BYTES));
  readSync(log, buffer, 0, buffer.length, size - buffer.length);
  const lines = buffer.toString().trim().split('\n').slice(-LINES);
  return lines.join('') === '' ? '' : `:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}

/** The same for a log with this path, which may be gone. */
export function tailOfFile(path: string): string {
  try {
    const log = openSync(path, 'r');
    try {
      return tailOf(log);
    } finally {
      closeSync(log);
    }
  } catch {
    return ''; // removed with its run: the sentence before it has to do
  }
}
