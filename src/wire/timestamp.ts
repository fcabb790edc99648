/** `google.protobuf.Timestamp`: `{1: int64 seconds, 2: int32 nanos}`, from and to milliseconds since 1970. */
import { readInt32, readInt64, readNested, skipField, writeInt32, writeInt64 } from './fields.ts';
import type { Reader, Writer } from './fields.ts';

/** Go's zero time, 0001-01-01T00:00:00Z: "never". An absent Timestamp would read as 1970 (protocol trap 5). */
export const GO_ZERO_TIME_MS = -62_135_596_800_000;

const SECONDS = 0x08;
const NANOS = 0x10;

/** Writes a Timestamp field, always, whatever the instant. Fractions of a millisecond are kept as nanoseconds. */
export function writeTimestamp(writer: Writer, tag: number, atMs: number, field: string): void {
  const seconds = Math.floor(atMs / 1000);
  const nanos = Math.min(999_999_999, Math.round((atMs - seconds * 1000) * 1_000_000));
  writer.uint32(tag).fork();
  writeInt64(writer, SECONDS, seconds, field);
  writeInt32(writer, NANOS, nanos, field);
  writer.ldelim();
}

/** Reads a Timestamp as milliseconds since 1970, with nanoseconds as a fraction as far as a number holds them. */
export function readTimestamp(reader: Reader): number {
  let seconds = 0;
  let nanos = 0;
  readNested(reader, (tag) => {
    if (tag === SECONDS) seconds = readInt64(reader);
    else if (tag === NANOS) nanos = readInt32(reader);
    else skipField(reader, tag);
  });
  return seconds * 1000 + nanos / 1_000_000;
}
