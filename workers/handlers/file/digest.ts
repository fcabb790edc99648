/** `file:digest`: SHA-256 of a file, and a compressed copy of it. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineHandler } from '../../../src/handler.ts';
import type { HandlerDefinition, Task, TaskContext } from '../../../src/handler.ts';
import { readPieces, readWhole, writeOutput } from '../_files.ts';
import type { Write } from '../_files.ts';
import { absolutePath, oneOf, payloadSchema } from '../_payload.ts';

/**
 * Largest input for brotli in bytes: 2 MiB. It packs the file in one native call, which nothing can interrupt, at
 * a quarter to half a megabyte a second.
 */
export const MAX_BROTLI_INPUT = 2_097_152;

/** What the producer asks for. Both paths are absolute and local to the runtime. */
export interface DigestPayload {
  readonly input: string;
  readonly output: string;
  /** `gzip` for files of any size; `brotli` at its highest quality, for files that are served often. */
  readonly format: 'gzip' | 'brotli';
}

/** Hash of the input in hex, and both sizes in bytes. */
export interface DigestResult {
  readonly sha256: string;
  readonly bytes: number;
  readonly compressedBytes: number;
}

const handler: HandlerDefinition<DigestPayload, DigestResult> = defineHandler<
  DigestPayload,
  DigestResult
>({
  schema: payloadSchema<DigestPayload>({
    input: absolutePath(),
    output: absolutePath(),
    format: oneOf('gzip', 'brotli'),
  }),
  handle: digest,
});

export default handler;

function digest(task: Task<DigestPayload>, ctx: TaskContext): DigestResult {
  const { input, output, format } = task.json();
  const hash = createHash('sha256');
  let bytes = 0;
  const compressedBytes = writeOutput(output, (write) => {
    const compress = format === 'gzip' ? gzipPieces : brotliWhole;
    bytes = compress(input, ctx, write, (piece) => hash.update(piece));
  });
  const sha256 = hash.digest('hex');
  ctx.log.debug({ input, format, bytes, compressedBytes }, 'file digested');
  return { sha256, bytes, compressedBytes };
}

type Compress = (
  input: string,
  ctx: TaskContext,
  write: Write,
  onBytes: (bytes: Uint8Array) => void,
) => number;

/**
 * One gzip member per piece: members in a row are a valid gzip file (RFC 1952, 2.2), need the memory of one piece, and
 * leave room to stop between two.
 */
const gzipPieces: Compress = (input, ctx, write, onBytes) => {
  let bytes = 0;
  for (const piece of readPieces(input)) {
    ctx.throwIfCanceled();
    onBytes(piece.bytes);
    write(gzipSync(piece.bytes, { level: constants.Z_BEST_COMPRESSION }));
    ctx.progress({ bytes: piece.done, of: piece.total });
    bytes = piece.done;
  }
  if (bytes === 0) write(gzipSync(Buffer.alloc(0)));
  return bytes;
};

const brotliWhole: Compress = (input, ctx, write, onBytes) => {
  const content = readWhole(input, MAX_BROTLI_INPUT);
  ctx.throwIfCanceled();
  onBytes(content);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  write(brotliCompressSync(content, { params }));
  ctx.progress({ bytes: content.length, of: content.length });
  return content.length;
};
