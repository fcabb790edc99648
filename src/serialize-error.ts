/**
 * Errors as plain data and back. The thread border keeps message, stack and cause of an error but loses its name, its
 * `code` and its properties, so an error crosses as a record made here.
 */
import { show } from './errors.ts';

/** An error as plain data. `cause` nests at most five deep; own properties that JSON cannot hold are left out. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string | number;
  readonly cause?: SerializedError;
  readonly properties?: Readonly<Record<string, unknown>>;
}

const MAX_CAUSES = 5;
/** Bounds in characters: a message that quotes its input must not fill Redis or the border. */
const MAX_MESSAGE = 8_192;
const MAX_STACK = 16_384;
const MAX_PROPERTIES = 16_384;
/** Said in fields of their own. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'code']);

/**
 * Makes a plain record of anything that was thrown. Never throws: a getter that does is left out. Message, stack and
 * properties are cut at 8, 16 and 16 thousand characters.
 */
export function serializeError(value: unknown): SerializedError {
  try {
    return serializeAt(value, 0);
  } catch {
    return { name: 'Error', message: 'an error that could not be read' };
  }
}

function serializeAt(value: unknown, depth: number): SerializedError {
  if (!(value instanceof Error)) {
    return { name: 'Error', message: `non-error thrown: ${show(value)}`, ...propertiesOf(value) };
  }
  const name = read(value, 'name');
  const message = read(value, 'message');
  const stack = read(value, 'stack');
  const code = read(value, 'code');
  const cause = read(value, 'cause');
  return {
    name: typeof name === 'string' && name !== '' ? cut(name, 200) : 'Error',
    message: typeof message === 'string' ? cut(message, MAX_MESSAGE) : '',
    ...(typeof stack === 'string' ? { stack: cut(stack, MAX_STACK) } : {}),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(cause === undefined || depth === MAX_CAUSES
      ? {}
      : { cause: serializeAt(cause, depth + 1) }),
    ...propertiesOf(value),
  };
}

/** Own enumerable properties that JSON can hold, in order, while they fit. */
function propertiesOf(value: unknown): Pick<SerializedError, 'properties'> {
  if (typeof value !== 'object' || value === null) return {};
  const kept: [string, unknown][] = [];
  let size = 0;
  for (const key of Object.keys(value)) {
    if (OWN_FIELDS.has(key) && value instanceof Error) continue;
    const json = toJson(read(value, key));
    if (json === undefined || size + key.length + json.length > MAX_PROPERTIES) continue;
    size += key.length + json.length;
    kept.push([key, JSON.parse(json)]);
  }
  return kept.length === 0 ? {} : { properties: Object.fromEntries(kept) };
}

function toJson(value: unknown): string | undefined {
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${cut(value.message, 1_000)}`);
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // circular, a BigInt, or a toJSON that throws: not plain
  }
}

function read(target: object, key: string): unknown {
  try {
    return (target as Record<string, unknown>)[key];
  } catch {
    return undefined; // a getter that throws
  }
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** Makes an Error with name, message, stack, cause, code and properties as they were in the thread. */
export function reviveError(serialized: SerializedError): Error {
  const { name, message, stack, code, cause, properties } = serialized;
  const options = cause === undefined ? undefined : { cause: reviveError(cause) };
  const error = new Error(message, options);
  hide(error, 'name', name);
  if (stack !== undefined) hide(error, 'stack', stack);
  for (const [key, value] of Object.entries(properties ?? {})) put(error, key, value);
  if (code !== undefined) put(error, 'code', code);
  return error;
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true });
}

function put(error: Error, key: string, value: unknown): void {
  const shown = { value, writable: true, configurable: true, enumerable: true };
  Object.defineProperty(error, key, shown);
}
