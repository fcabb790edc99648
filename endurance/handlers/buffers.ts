/** Keeps more and more memory that no heap limit counts, and never yields. */

const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const PIECE = 4_194_304;
const PAUSE_MS = 10;

/** The handler of `buffers`. */
export default function buffers(): never {
  const kept: Buffer[] = [];
  for (;;) {
    kept.push(Buffer.alloc(PIECE, 1));
    Atomics.wait(sleepCell, 0, 0, PAUSE_MS);
  }
}
