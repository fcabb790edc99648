/**
 * Reads a flat list that a script packed by `cmsgpack.pack` (MessagePack): strings, `true`, `false`. A list of hundreds of
 * short values costs Redis, and the parser here, several times as much as one value that holds them all.
 */
import { asBuffer, unexpected } from './reply.ts';

/** First bytes of the values that can stand in such a list. */
const FIXSTR = 0xa0;
const FIXSTR_MASK = 0xe0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const STR8 = 0xd9;
const STR16 = 0xda;
const STR32 = 0xdb;
const ARRAY16 = 0xdc;
const ARRAY32 = 0xdd;

/** Walks through one list. Throws a `TypeError` where it finds what no script of ours packs. */
export class PackedReader {
  readonly #packed: Buffer;
  readonly #end: number;
  #at = 0;

  /** Empty bytes are an empty list. */
  constructor(reply: unknown) {
    if (!(reply instanceof Uint8Array)) throw unexpected(reply, 'bytes');
    this.#packed = asBuffer(reply);
    this.#end = this.#packed.length;
    if (this.#end > 0) this.#skipHead();
  }

  hasMore(): boolean {
    return this.#at < this.#end;
  }

  /** The next value as text; `undefined` for `false`. */
  text(): string | undefined {
    const length = this.#stringLength();
    if (length === undefined) return undefined;
    const start = this.#at;
    this.#at += length;
    return this.#packed.toString('utf8', start, this.#at);
  }

  /** The next value as a copy of its bytes; `undefined` for `false`. Small ones share slabs of a few KiB (`Buffer.poolSize`). */
  bytes(): Buffer | undefined {
    const length = this.#stringLength();
    if (length === undefined) return undefined;
    // Memory of its own for each would cost three times as much.
    const copy = Buffer.allocUnsafe(length);
    this.#packed.copy(copy, 0, this.#at, this.#at + length);
    this.#at += length;
    return copy;
  }

  /** Whether the next value is `true`; then it is read. */
  isTrue(): boolean {
    if (this.#packed[this.#at] !== TRUE) return false;
    this.#at += 1;
    return true;
  }

  #skipHead(): void {
    const head = this.#packed[this.#at];
    this.#at = head === ARRAY16 ? 3 : head === ARRAY32 ? 5 : 1;
  }

  #stringLength(): number | undefined {
    const head = this.#packed[this.#at];
    this.#at += 1;
    if (head === undefined) throw unexpected(undefined, 'another value');
    if (head === FALSE) return undefined;
    if ((head & FIXSTR_MASK) === FIXSTR) return head & ~FIXSTR_MASK;
    return this.#longLength(head);
  }

  #longLength(head: number): number {
    const at = this.#at;
    if (head === STR8) {
      this.#at += 1;
      return this.#packed.readUInt8(at);
    }
    if (head === STR16) {
      this.#at += 2;
      return this.#packed.readUInt16BE(at);
    }
    if (head === STR32) {
      this.#at += 4;
      return this.#packed.readUInt32BE(at);
    }
    throw unexpected(head, 'a packed string');
  }
}
