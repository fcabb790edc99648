/** The text of a log line: fields become JSON here, so that the main thread need not walk them. */
import { serializeError, type SerializedError } from '../src/serialize-error.ts';
import type { LineText } from './outbox.ts';

/** Characters of one line, message and fields together. */
export const MAX_LINE_SIZE = 8_192;
/** What a long message leaves for the fields. */
const MIN_FIELDS_SIZE = 1_024;
const MAX_DEPTH = 8;
/** Elements of an array, or keys of an object, that are shown. */
const MAX_ENTRIES = 100;

/** Cuts a text to a length, with a mark that it was cut. */
export function cutText(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/**
 * Makes a line as pino does: a message, or fields (or an error) and a message. Errors become records, cycles and what
 * JSON cannot hold become marks; what does not fit in 8 KB is cut.
 */
export function makeLine(first: unknown, message?: unknown): LineText {
  if (typeof first === 'string') return { message: cutText(first, MAX_LINE_SIZE) };
  const isError = first instanceof Error;
  const own = isError ? first.message : (first as { message?: unknown } | null)?.message;
  const text = typeof message === 'string' ? message : typeof own === 'string' ? own : '';
  const kept = cutText(text, MAX_LINE_SIZE - MIN_FIELDS_SIZE);
  const fields = fieldsToJson(isError ? { err: first } : first, MAX_LINE_SIZE - kept.length);
  return { message: kept, fields };
}

/** An object of fields as JSON text of at most `max` characters. */
function fieldsToJson(fields: unknown, max: number): string {
  const budget = { left: max };
  const plain = toPlain(fields, budget, []);
  const isObject = typeof plain === 'object' && plain !== null && !Array.isArray(plain);
  const json = JSON.stringify(isObject ? plain : { value: plain });
  // Escapes and punctuation are not in the budget; where they tip the scale, a piece of the text must do.
  return json.length <= max ? json : JSON.stringify({ truncated: json.slice(0, max / 2 - 20) });
}

interface Budget {
  left: number;
}

function toPlain(value: unknown, budget: Budget, above: readonly object[]): unknown {
  if (budget.left <= 0) return '…';
  switch (typeof value) {
    case 'string':
      return spend(cutText(value, Math.max(1, budget.left)), budget);
    case 'object':
      return value === null ? null : objectToPlain(value, budget, above);
    case 'bigint':
    case 'symbol':
    case 'function':
      return spend(cutText(String(value), 200), budget);
    default:
      budget.left -= 8;
      return value;
  }
}

function spend(text: string, budget: Budget): string {
  budget.left -= text.length + 2;
  return text;
}

function objectToPlain(value: object, budget: Budget, above: readonly object[]): unknown {
  if (above.includes(value)) return '[circular]';
  if (above.length >= MAX_DEPTH) return '[deep]';
  const inside = [...above, value];
  if (value instanceof Error) return toPlain(errorFields(serializeError(value)), budget, inside);
  if (ArrayBuffer.isView(value)) return spend(`[${value.byteLength} bytes]`, budget);
  if (value instanceof Map || value instanceof Set) {
    return spend(`[${value.constructor.name} of ${value.size}]`, budget);
  }
  const json = ownJson(value);
  if (json !== value) return toPlain(json, budget, inside);
  return Array.isArray(value)
    ? arrayToPlain(value, budget, inside)
    : recordToPlain(value, budget, inside);
}

function arrayToPlain(
  value: readonly unknown[],
  budget: Budget,
  above: readonly object[],
): unknown {
  const kept = value.slice(0, MAX_ENTRIES).map((item) => toPlain(item, budget, above));
  return value.length > MAX_ENTRIES ? [...kept, `… ${value.length - MAX_ENTRIES} more`] : kept;
}

function recordToPlain(value: object, budget: Budget, above: readonly object[]): unknown {
  const kept: [string, unknown][] = [];
  for (const key of Object.keys(value)) {
    if (kept.length >= MAX_ENTRIES || budget.left <= 0) {
      kept.push(['…', 'more']);
      break;
    }
    const item = readKey(value, key);
    if (item === undefined) continue;
    budget.left -= key.length + 4;
    kept.push([cutText(key, 200), toPlain(item, budget, above)]);
  }
  return Object.fromEntries(kept);
}

/** What the object's own `toJSON` says, as Date has one; the object itself when it has none. */
function ownJson(value: object): unknown {
  const toJSON = readKey(value, 'toJSON');
  if (typeof toJSON !== 'function') return value;
  try {
    return toJSON.call(value) as unknown;
  } catch {
    return '[toJSON failed]';
  }
}

function readKey(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return '[getter failed]';
  }
}

/** As pino's own serializer names them. */
function errorFields(error: SerializedError): Record<string, unknown> {
  const { name, properties, cause, ...rest } = error;
  return {
    type: name,
    ...rest,
    ...(cause === undefined ? {} : { cause: errorFields(cause) }),
    ...properties,
  };
}
