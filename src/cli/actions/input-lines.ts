/** Splits a stream into lines, with a bound on what it keeps: whoever writes faster than we read has to wait. */

/** One line of the input. */
export interface InputLine {
  /** From 1. */
  readonly number: number;
  /** Without its end; `undefined` for a line that was too long to be kept. */
  readonly bytes: Buffer | undefined;
}

/** A read may bring tens of thousands of short lines: too many for one call to Redis. */
const MAX_LINES = 500;

/** The lines, as many at a time as came with one read, 500 at most. A last line without an end is one too. */
export async function* inputLines(
  input: AsyncIterable<Buffer>,
  maxLineBytes: number,
): AsyncGenerator<InputLine[]> {
  let number = 0;
  let kept: Buffer[] = [];
  let size = 0;
  const keep = (part: Buffer): void => {
    size += part.byteLength;
    if (size <= maxLineBytes) kept.push(part);
    else kept = [];
  };
  const end = (): InputLine => {
    number += 1;
    const line = { number, bytes: size <= maxLineBytes ? Buffer.concat(kept) : undefined };
    kept = [];
    size = 0;
    return line;
  };
  for await (const chunk of input) {
    let lines: InputLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, at));
      lines.push(end());
      from = at + 1;
      if (lines.length < MAX_LINES) continue;
      yield lines;
      lines = [];
    }
    if (from < chunk.byteLength) keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (size > 0) yield [end()];
}
