/**
 * Writing protobuf fields into a buffer whose size was worked out before: first every size, then every byte. For messages
 * that are written so often that a writer's list of operations would cost more than the bytes themselves.
 */
import { badInteger, checkText } from './fields.ts';

/** Bytes of the text as UTF-8; throws `InvalidOptionsError` naming `field` on a lone surrogate. */
export function textLength(text: string, field: string): number {
  return text === '' ? 0 : Buffer.byteLength(checkText(text, field));
}

/** Bytes of a field with so many bytes behind its length; an empty one is not written. */
export function fieldSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

/** Bytes of an int64 field, 0 for 0; throws `InvalidOptionsError` naming `field` when it is no whole number within 2^53. */
export function int64Size(value: number, field: string): number {
  if (value === 0) return 0;
  if (!Number.isSafeInteger(value)) throw badInteger(field, value, 'a whole number within ±2^53');
  return 1 + varintSize(value);
}

/** Bytes of an int32 field, 0 for 0; throws `InvalidOptionsError` naming `field` when it does not fit. */
export function int32Size(value: number, field: string): number {
  if (value === 0) return 0;
  if ((value | 0) !== value) throw badInteger(field, value, 'a whole number of 32 bits');
  return 1 + varintSize(value);
}

/** Bytes of a varint. A negative number takes ten, as all 64 bits of it are written. */
export function varintSize(value: number): number {
  if (value < 0) return 10;
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Writes a text unless it is empty; answers where it ends. `length`: its bytes. */
export function putText(
  bytes: Buffer,
  at: number,
  tag: number,
  text: string,
  length?: number,
): number {
  if (text === '') return at;
  const start = putHead(bytes, at, tag, length ?? Buffer.byteLength(text));
  return start + bytes.write(text, start);
}

/** Writes bytes, unless there are none; answers where they end. */
export function putBytes(bytes: Buffer, at: number, tag: number, value: Uint8Array): number {
  if (value.length === 0) return at;
  const start = putHead(bytes, at, tag, value.length);
  bytes.set(value, start);
  return start + value.length;
}

/** Writes a whole number, unless it is 0; answers where it ends. */
export function putInteger(bytes: Buffer, at: number, tag: number, value: number): number {
  return value === 0 ? at : putHead(bytes, at, tag, value);
}

/** Writes a tag of one byte and a varint; answers where they end. */
export function putHead(bytes: Buffer, at: number, tag: number, value: number): number {
  bytes[at] = tag;
  let end = at + 1;
  if (value < 0) return putNegative(bytes, end, value);
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) + 128;
  bytes[end++] = rest;
  return end;
}

function putNegative(bytes: Buffer, at: number, value: number): number {
  let rest = BigInt.asUintN(64, BigInt(value));
  let end = at;
  for (; rest > 127n; rest >>= 7n) bytes[end++] = Number(rest & 127n) + 128;
  bytes[end++] = Number(rest);
  return end;
}
