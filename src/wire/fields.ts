/**
 * Reading and writing single protobuf fields, stricter than the library: int64 without loss or clamped, strings always
 * valid UTF-8 (a message that is not poisons Go peers, protocol trap 7), overlong varints refused as Go refuses them.
 */
import protobuf from 'protobufjs/minimal.js';
import { InvalidOptionsError, UndecodableMessageError } from '../errors.ts';
import { isWellFormed } from '../payload.ts';

/** The library's reader, over a Buffer. */
export type Reader = protobuf.Reader;
/** The library's writer. */
export type Writer = protobuf.Writer;

/** A new, empty message. */
export function createWriter(): Writer {
  return protobuf.Writer.create();
}

/**
 * Runs `read` over the bytes. Whatever is wrong with them becomes one `UndecodableMessageError`, which names `what` and
 * keeps the cause.
 */
export function decodeWith<Value>(
  bytes: Uint8Array,
  what: string,
  read: (reader: Reader) => Value,
): Value {
  try {
    return read(createReader(bytes));
  } catch (cause) {
    if (cause instanceof UndecodableMessageError) throw cause;
    throw new UndecodableMessageError(`${what}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The reader of Buffers turns strings to text natively, several times as fast as the one of plain arrays. */
function createReader(bytes: Uint8Array): Reader {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return protobuf.Reader.create(buffer);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a string; throws on invalid UTF-8. */
export function readString(reader: Reader): string {
  const start = reader.pos;
  const text = reader.string();
  // The native decoder marks invalid bytes with U+FFFD: only texts that hold one need the slow, strict look.
  return text.includes('\uFFFD') ? rereadStrictly(reader, start) : text;
}

function rereadStrictly(reader: Reader, start: number): string {
  reader.pos = start;
  return strictUtf8.decode(reader.bytes());
}

/** Reads bytes into memory of their own, so that they can be transferred and keep nothing else alive. */
export function readBytes(reader: Reader): Uint8Array {
  return new Uint8Array(reader.bytes());
}

/** Reads bytes and leaves them where they are. */
export function viewBytes(reader: Reader): Uint8Array {
  const { buffer, byteOffset, byteLength } = reader.bytes();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Reads an int64 as a number; values beyond ±(2^53 - 1) are clamped to that. */
export function readInt64(reader: Reader): number {
  const first = reader.buf[reader.pos];
  if (first !== undefined && first < 128 && reader.pos < reader.len) {
    reader.pos += 1;
    return first;
  }
  const { high, low } = readLong(reader);
  const value = high * 4_294_967_296 + (low >>> 0);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

/** Reads an int32, as Go does: from any varint, by its low 32 bits. */
export function readInt32(reader: Reader): number {
  const first = reader.buf[reader.pos];
  if (first !== undefined && first < 128 && reader.pos < reader.len) {
    reader.pos += 1;
    return first;
  }
  return readLong(reader).low;
}

/** A varint of at most 64 bits. The tenth byte has room for one bit only; the library would drop the rest silently. */
function readLong(reader: Reader): { readonly high: number; readonly low: number } {
  const start = reader.pos;
  const value = reader.int64();
  if (reader.pos - start === 10 && (reader.buf[reader.pos - 1] ?? 0) > 1) {
    throw new RangeError('varint over 64 bits');
  }
  return value;
}

/** Skips the value of a field that is unknown, or known with another wire type: proto3 treats both alike. */
export function skipField(reader: Reader, tag: number): void {
  if (tag < 8) throw new RangeError('field number 0');
  if ((tag & 7) === 0) readLong(reader);
  else reader.skipType(tag & 7, 0, tag >>> 3);
}

/**
 * Reads a nested message: calls `onField` with every tag, with the reader limited to the nested bytes, so that no field
 * can reach beyond them.
 */
export function readNested(reader: Reader, onField: (tag: number) => void): void {
  const size = reader.size();
  const outerEnd = reader.len;
  const end = reader.pos + size;
  if (end > outerEnd) throw new RangeError('nested message beyond the end');
  reader.len = end;
  while (reader.pos < end) onField(reader.tag());
  reader.len = outerEnd;
}

/** Writes a string field unless it is empty; throws `InvalidOptionsError` naming `field` on a lone surrogate. */
export function writeString(writer: Writer, tag: number, text: string, field: string): void {
  if (text !== '') writer.uint32(tag).string(checkText(text, field));
}

/** The text itself if UTF-8 can hold it; throws `InvalidOptionsError` naming `field` otherwise. */
export function checkText(text: string, field: string): string {
  if (isWellFormed(text)) return text;
  throw new InvalidOptionsError(
    [{ name: field, value: text, accepts: 'well-formed text (it has a lone surrogate)' }],
    'message',
  );
}

/** Writes a bytes field unless it is empty. */
export function writeBytes(writer: Writer, tag: number, bytes: Uint8Array): void {
  if (bytes.length > 0) writer.uint32(tag).bytes(bytes);
}

/** Writes an int64 field unless it is 0; throws `InvalidOptionsError` naming `field` when it is no whole number within 2^53. */
export function writeInt64(writer: Writer, tag: number, value: number, field: string): void {
  if (value === 0) return;
  if (!Number.isSafeInteger(value)) throw badInteger(field, value, 'a whole number within ±2^53');
  writer.uint32(tag).int64(value);
}

/** Writes an int32 field unless it is 0; throws `InvalidOptionsError` naming `field` when it does not fit. */
export function writeInt32(writer: Writer, tag: number, value: number, field: string): void {
  if (value === 0) return;
  if ((value | 0) !== value) throw badInteger(field, value, 'a whole number of 32 bits');
  writer.uint32(tag).int32(value);
}

/** The error for a number that a field cannot hold. */
export function badInteger(name: string, value: number, accepts: string): InvalidOptionsError {
  return new InvalidOptionsError([{ name, value, accepts }], 'message');
}
