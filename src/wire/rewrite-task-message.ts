/**
 * Changing a stored message without decoding it: every field that is not replaced is copied byte for byte, so that
 * unknown fields of newer peers and int64 values beyond 2^53 survive (protocol trap 10). The instant of the change is
 * left open, because it is Redis's `TIME`, known only inside the script.
 */
import { decodeWith, skipField } from './fields.ts';
import type { Reader } from './fields.ts';

/** The two fields that a script fills in. */
type Stamp = 'lastFailedAt' | 'completedAt';

/**
 * A message around a gap. The script writes `head .. tag .. varint(now_s) .. tail`, where the tag is 0x58 for
 * `lastFailedAt` and 0x68 for `completedAt`; with `none` it writes `head .. tail`.
 */
export interface StampedMessage {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly field: Stamp | 'none';
}

/** What is replaced. An empty text or 0 removes the field, as proto3 wants it. */
export interface MessageChange {
  /** Lone surrogates become U+FFFD: an odd error text must not keep a task from being settled. */
  readonly errorMsg?: string;
  readonly retried?: number;
  /** Which instant the script writes. The old value is dropped. */
  readonly stamp: Stamp;
}

/** Tags of the fields that can be replaced; all fit one byte. */
const PAYLOAD = 0x12;
const RETRIED = 0x30;
const ERROR_MSG = 0x3a;
const UNIQUE_KEY = 0x52;
const STAMP_TAGS: Readonly<Record<Stamp, number>> = { lastFailedAt: 0x58, completedAt: 0x68 };

/** Fields to write, by tag, in ascending order. A stamp is the last of them and has no bytes. */
interface Replacement {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/**
 * `raw` with the change applied; fields keep their order, a replaced one stands where its number belongs. Throws
 * `UndecodableMessageError` when the bytes are not a protobuf message.
 */
export function rewriteTaskMessage(raw: Uint8Array, change: MessageChange): StampedMessage {
  const replacements = replacementsOf(change);
  const size = raw.length + replacements.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const target = Buffer.allocUnsafe(size);
  const copier = new Copier(raw, target, replacements);
  decodeWith(raw, 'TaskMessage', (reader) => copier.copyAll(reader));
  return {
    head: target.subarray(0, copier.gapAt),
    tail: target.subarray(copier.gapAt, copier.end),
    field: change.stamp,
  };
}

/** The message as the script writes it, with `seconds` as Redis's time. */
export function stampTaskMessage(stamped: StampedMessage, seconds: number): Uint8Array {
  const { head, tail, field } = stamped;
  if (field === 'none') return Buffer.concat([head, tail]);
  return Buffer.concat([head, Buffer.from([STAMP_TAGS[field]]), varint(seconds), tail]);
}

/**
 * `raw` with another payload and, in a unique task, the key of another lock; everything else is kept byte for byte.
 * Empty bytes or text remove the field. Throws `UndecodableMessageError` when `raw` is not a protobuf message.
 */
export function replacePayload(
  raw: Uint8Array,
  payload: Uint8Array,
  uniqueKey: string,
): Uint8Array {
  const replacements = [
    { tag: PAYLOAD, bytes: encodeBytes(PAYLOAD, payload) },
    { tag: UNIQUE_KEY, bytes: encodeBytes(UNIQUE_KEY, Buffer.from(uniqueKey, 'utf8')) },
  ];
  const size = raw.length + replacements.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const target = Buffer.allocUnsafe(size);
  const copier = new Copier(raw, target, replacements);
  decodeWith(raw, 'TaskMessage', (reader) => copier.copyAll(reader));
  return target.subarray(0, copier.end);
}

function replacementsOf(change: MessageChange): Replacement[] {
  const list: Replacement[] = [];
  if (change.retried !== undefined) {
    list.push({ tag: RETRIED, bytes: encodeRetried(change.retried) });
  }
  if (change.errorMsg !== undefined) {
    list.push({ tag: ERROR_MSG, bytes: encodeErrorMsg(change.errorMsg) });
  }
  list.push({ tag: STAMP_TAGS[change.stamp], bytes: new Uint8Array(0) });
  return list;
}

/** A foreign message may count below 0; a negative varint takes ten bytes, and there is nothing to be kept. */
function encodeRetried(retried: number): Uint8Array {
  return retried <= 0 ? new Uint8Array(0) : Buffer.from([RETRIED, ...varint(retried)]);
}

function encodeErrorMsg(text: string): Uint8Array {
  return encodeBytes(ERROR_MSG, Buffer.from(text, 'utf8')); // writes U+FFFD for lone surrogates
}

/** Nothing for nothing, as proto3 wants it. */
function encodeBytes(tag: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return new Uint8Array(0);
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes]);
}

/** A non-negative whole number within 2^53 as a varint. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** One pass over a message: copies runs of kept fields, leaves out replaced ones, puts replacements in their places. */
class Copier {
  /** Where the stamp goes. */
  gapAt = 0;
  /** How many bytes were written. */
  end = 0;
  readonly #raw: Uint8Array;
  readonly #target: Uint8Array;
  readonly #replacements: readonly Replacement[];
  /** The first replacement not yet written. */
  #next = 0;
  /** Where the run of kept fields begins that is not yet copied. */
  #keptFrom = 0;

  constructor(raw: Uint8Array, target: Uint8Array, replacements: readonly Replacement[]) {
    this.#raw = raw;
    this.#target = target;
    this.#replacements = replacements;
  }

  copyAll(reader: Reader): void {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const tag = reader.tag();
      skipField(reader, tag);
      this.#writeReplacementsBefore(tag, start);
      if (this.#isReplaced(tag)) this.#leaveOut(start, reader.pos);
    }
    this.#writeReplacementsBefore(Number.POSITIVE_INFINITY, reader.len);
    this.#copyKept(reader.len);
  }

  /** Tags grow with field numbers, so comparing tags compares fields. */
  #writeReplacementsBefore(tag: number, at: number): void {
    for (let next = this.#replacements[this.#next]; next !== undefined && next.tag < tag; ) {
      this.#copyKept(at);
      this.#target.set(next.bytes, this.end);
      this.end += next.bytes.length;
      this.gapAt = this.end; // right after the last replacement, which is the stamp
      this.#next += 1;
      next = this.#replacements[this.#next];
    }
  }

  #isReplaced(tag: number): boolean {
    return this.#replacements.some((replacement) => replacement.tag === tag);
  }

  #leaveOut(start: number, end: number): void {
    this.#copyKept(start);
    this.#keptFrom = end;
  }

  #copyKept(until: number): void {
    if (until <= this.#keptFrom) return;
    this.#target.set(this.#raw.subarray(this.#keptFrom, until), this.end);
    this.end += until - this.#keptFrom;
    this.#keptFrom = until;
  }
}
