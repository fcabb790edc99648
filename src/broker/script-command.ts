/**
 * A script call as one buffer. ioredis would measure and copy each argument several times, and name all of them, payloads
 * included, to whoever traces its commands.
 */
import { Command } from 'ioredis';
import type { ScriptArgument } from './script.ts';

/** `EVALSHA` or `EVAL`; its reply has all strings as Buffers. */
export class ScriptCommand extends Command {
  readonly #bytes: Buffer;

  constructor(name: CallName, bytes: Buffer) {
    super(name, NO_ARGUMENTS, REPLY_AS_BYTES);
    this.#bytes = bytes;
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

type CallName = 'evalsha' | 'eval';
/** ioredis copies them. */
const NO_ARGUMENTS: string[] = [];
const REPLY_AS_BYTES = { replyEncoding: null };

/** What a call begins with: script, keys and perhaps first arguments. As bytes where many calls share it. */
export interface ScriptHead {
  readonly start: Buffer;
  /** Pieces of the command that it holds. */
  readonly count: number;
}

/** The beginning of a call, with arguments that many calls share. */
export function encodeHead(
  name: CallName,
  script: string,
  keys: readonly string[],
  args: readonly ScriptArgument[] = [],
): ScriptHead {
  const pieces = [name, script, keys.length, ...keys, ...args];
  return { start: write('', undefined, pieces), count: pieces.length };
}

/** A whole call: its beginning, and the arguments behind that. */
export function encodeCall(head: ScriptHead, args: readonly ScriptArgument[]): Buffer {
  return write(`*${head.count + args.length}\r\n`, head.start, args);
}

/** Where small calls are put together: what they need is known at the end, and most are small. */
const scratch = Buffer.allocUnsafeSlow(16_384);

function write(first: string, head: Buffer | undefined, pieces: readonly ScriptArgument[]): Buffer {
  const bound = first.length + (head?.length ?? 0) + boundOf(pieces);
  const isSmall = bound <= scratch.length;
  const bytes = isSmall ? scratch : Buffer.allocUnsafe(bound);
  let at = bytes.write(first, 0, 'latin1');
  if (head !== undefined) {
    bytes.set(head, at);
    at += head.length;
  }
  for (const piece of pieces) at = putPiece(bytes, at, piece);
  if (!isSmall) return bytes.subarray(0, at);
  const exact = Buffer.allocUnsafe(at);
  bytes.copy(exact, 0, 0, at);
  return exact;
}

/** Around each piece: `$`, up to ten digits, and two ends of line. */
const AROUND = 15;

function boundOf(pieces: readonly ScriptArgument[]): number {
  let bound = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') bound += 3 * piece.length + AROUND;
    else bound += AROUND + (typeof piece === 'number' ? LONGEST_NUMBER : piece.length);
  }
  return bound;
}

const LONGEST_NUMBER = 25;

function putPiece(bytes: Buffer, at: number, piece: ScriptArgument): number {
  if (typeof piece !== 'object') return putText(bytes, at, String(piece));
  const start = putLength(bytes, at, piece.length);
  bytes.set(piece, start);
  return putEnd(bytes, start + piece.length);
}

const LF = 10;
const CR = 13;
const ZERO = 48;
const DOLLAR = 36;

function putText(bytes: Buffer, at: number, text: string): number {
  if (text.length > SHORT) return putLongText(bytes, at, text);
  const start = putLength(bytes, at, text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return putLongText(bytes, at, text);
    bytes[start + index] = code;
  }
  return putEnd(bytes, start + text.length);
}

/** Up to so many characters a loop is faster than a call into Node. */
const SHORT = 64;

function putLongText(bytes: Buffer, at: number, text: string): number {
  const start = putLength(bytes, at, Buffer.byteLength(text));
  return putEnd(bytes, start + bytes.write(text, start));
}

function putLength(bytes: Buffer, at: number, length: number): number {
  bytes[at] = DOLLAR;
  let digits = 1;
  for (let rest = length; rest > 9; rest = Math.floor(rest / 10)) digits += 1;
  let rest = length;
  for (let place = at + digits; place > at; place -= 1) {
    bytes[place] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return putEnd(bytes, at + 1 + digits);
}

function putEnd(bytes: Buffer, at: number): number {
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + 2;
}
