/**
 * How a value becomes bytes: one rule for payloads and results. Imports no package, so that worker threads may load it.
 */
import { NotSerializableError } from './errors.ts';

const utf8 = new TextEncoder();

/**
 * The value as bytes that own their memory: bytes are copied as they are, strings become UTF-8, `undefined` becomes no
 * bytes, anything else JSON. Throws `NotSerializableError` for what JSON cannot hold (functions, symbols, bigints,
 * circular values) and for strings that UTF-8 cannot hold (lone surrogates). `what` names the value in that error.
 */
export function encodePayload(value: unknown, what = 'payload'): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  if (typeof value === 'string') return encodeString(value, what);
  return copyBytes(value) ?? encodeJson(value, what);
}

/** Whether UTF-8 can hold the string: no surrogate stands alone. */
export function isWellFormed(text: string): boolean {
  // In every supported Node, but only in TypeScript's ES2024 library.
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function encodeString(text: string, what: string): Uint8Array {
  if (!isWellFormed(text))
    throw new NotSerializableError(`${what}, a string with a lone surrogate,`);
  return utf8.encode(text);
}

function copyBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  }
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return new Uint8Array(new Uint8Array(value));
  }
  return undefined;
}

function encodeJson(value: unknown, what: string): Uint8Array {
  const text = toJson(value, what);
  if (text === undefined) throw new NotSerializableError(what); // a function or symbol, or a toJSON that answers none
  return utf8.encode(text);
}

function toJson(value: unknown, what: string): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new NotSerializableError(what, { cause });
  }
}
