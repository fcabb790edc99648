/**
 * File access of the bundled handlers: input read in pieces, so that a large file needs little memory, and output
 * that appears whole or not at all. All of it is synchronous: the thread has nothing else to do.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SkipRetry } from '../../src/handler.ts';

/** Bytes of a piece: 1 MiB. Between two of them a stop is seen. */
export const PIECE_SIZE = 1_048_576;

/** One piece of a file. The bytes are valid only until the next piece is read. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Bytes read so far, this piece included. */
  readonly done: number;
  /** Size of the file when it was opened. */
  readonly total: number;
}

/** Reads a file piece by piece. Throws `SkipRetry` on a folder, a pipe or a device: reading those may never end. */
export function* readPieces(path: string): Generator<Piece, void, undefined> {
  const file = openSync(path, 'r');
  try {
    const total = regularSize(file, path);
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_SIZE, Math.max(total, 1)));
    let done = 0;
    for (;;) {
      const length = readSync(file, buffer);
      if (length === 0) return;
      done += length;
      yield { bytes: buffer.subarray(0, length), done, total };
    }
  } finally {
    closeSync(file);
  }
}

/** A whole file. Throws `SkipRetry` when it is no regular file or has more than `limit` bytes. */
export function readWhole(path: string, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (const { bytes, done, total } of readPieces(path)) {
    if (Math.max(done, total) > limit) {
      throw new SkipRetry(`${path} has ${Math.max(done, total)} bytes, over the limit of ${limit}`);
    }
    pieces.push(Buffer.from(bytes));
  }
  return Buffer.concat(pieces);
}

/** Where `writeOutput` puts the bytes. */
export type Write = (bytes: Uint8Array) => void;

/**
 * Writes a file through `fill` and makes its folder. The file gets its name last, so a task that is stopped, or runs
 * twice, never leaves half a file: at least once needs that. Answers the number of bytes written.
 */
export function writeOutput(path: string, fill: (write: Write) => void): number {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.part`;
  let length = 0;
  try {
    const file = openSync(draft, 'wx');
    try {
      fill((bytes) => {
        writeAll(file, bytes);
        length += bytes.length;
      });
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return length;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

function regularSize(file: number, path: string): number {
  const stat = fstatSync(file);
  if (!stat.isFile()) throw new SkipRetry(`${path} is not a regular file`);
  return stat.size;
}
