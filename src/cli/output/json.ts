/** Values as JSON for programs: one line, with the names of the API. */
import { ThreadmillError } from '../../errors.ts';
import { decodeUtf8 } from './text.ts';

/** One line of JSON. Bytes become text, or under `…Base64` where they are no UTF-8; `Infinity` becomes text. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(plain(value));
}

/** An error as programs read it. */
export function plainError(error: Error): { readonly code?: string; readonly message: string } {
  const { message } = error;
  return error instanceof ThreadmillError ? { code: error.code, message } : { message };
}

function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return plainError(value);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => plainEntry(name, each)));
}

function plainEntry(name: string, value: unknown): [string, unknown] {
  if (!(value instanceof Uint8Array)) return [name, plain(value)];
  const text = decodeUtf8(value);
  if (text !== undefined) return [name, text];
  return [`${name}Base64`, Buffer.from(value).toString('base64')];
}
