/**
 * `TaskMessage` (protocol, section 4.1): what the hash field `msg` of a task holds. Every task passes here twice, so
 * the mapping is written out field by field, over the library's reader and a writer of exact size.
 */
import {
  fieldSize,
  int32Size,
  int64Size,
  putBytes,
  putHead,
  putInteger,
  putText,
  textLength,
} from './exact-writer.ts';
import {
  decodeWith,
  readBytes,
  readInt32,
  readInt64,
  readNested,
  readString,
  skipField,
  viewBytes,
} from './fields.ts';
import type { Reader } from './fields.ts';

export { replacePayload, rewriteTaskMessage, stampTaskMessage } from './rewrite-task-message.ts';
export type { MessageChange, StampedMessage } from './rewrite-task-message.ts';

/** One task as the wire has it: zero and empty mean "not set". */
export interface TaskMessage {
  type: string;
  /** Owns its memory, so that it can be transferred. */
  payload: Uint8Array;
  /** Equals the ID in the task's key. */
  id: string;
  /** Equals the queue in the task's key. */
  queue: string;
  /** Largest number of retries; 2147483647 = for ever. */
  retry: number;
  retried: number;
  /** Text of the last failure. */
  errorMsg: string;
  /** Seconds; 0 = none. */
  timeout: number;
  /** Seconds since 1970; 0 = none. */
  deadline: number;
  /** The whole Redis key of the uniqueness lock. */
  uniqueKey: string;
  /** Seconds since 1970; 0 = never. */
  lastFailedAt: number;
  /** Seconds; 0 = deleted at once. */
  retention: number;
  /** Seconds since 1970; 0 = not completed. */
  completedAt: number;
  groupKey: string;
  headers: Record<string, string>;
}

/** Field number and wire type in one byte, as they stand before every value. */
const TAG = {
  type: 0x0a,
  payload: 0x12,
  id: 0x1a,
  queue: 0x22,
  retry: 0x28,
  retried: 0x30,
  errorMsg: 0x3a,
  timeout: 0x40,
  deadline: 0x48,
  uniqueKey: 0x52,
  lastFailedAt: 0x58,
  retention: 0x60,
  completedAt: 0x68,
  groupKey: 0x72,
  headers: 0x7a,
  mapKey: 0x0a,
  mapValue: 0x12,
} as const;

/**
 * The message as bytes, fields in ascending order. Throws `InvalidOptionsError` naming the field when a string has a
 * lone surrogate or a number does not fit.
 */
export function encodeTaskMessage(message: TaskMessage): Uint8Array {
  const type = textLength(message.type, 'type');
  const id = textLength(message.id, 'id');
  const queue = textLength(message.queue, 'queue');
  const size =
    fieldSize(type) +
    fieldSize(message.payload.length) +
    fieldSize(id) +
    fieldSize(queue) +
    int32Size(message.retry, 'retry') +
    int64Size(message.timeout, 'timeout') +
    restSize(message);
  const bytes = Buffer.allocUnsafe(size);
  let at = putText(bytes, 0, TAG.type, message.type, type);
  at = putBytes(bytes, at, TAG.payload, message.payload);
  at = putText(bytes, at, TAG.id, message.id, id);
  at = putText(bytes, at, TAG.queue, message.queue, queue);
  putRest(bytes, putInteger(bytes, at, TAG.retry, message.retry), message);
  return bytes;
}

/** Of the fields that few new tasks have. */
function restSize(message: TaskMessage): number {
  let size =
    int32Size(message.retried, 'retried') +
    int64Size(message.deadline, 'deadline') +
    int64Size(message.lastFailedAt, 'lastFailedAt') +
    int64Size(message.retention, 'retention') +
    int64Size(message.completedAt, 'completedAt');
  for (const field of ['errorMsg', 'uniqueKey', 'groupKey'] as const) {
    size += fieldSize(textLength(message[field], field));
  }
  for (const key of Object.keys(message.headers)) {
    size += fieldSize(entryLength(key, message.headers[key] ?? ''));
  }
  return size;
}

/** All behind `retry`. */
function putRest(bytes: Buffer, from: number, message: TaskMessage): void {
  let at = putInteger(bytes, from, TAG.retried, message.retried);
  at = putText(bytes, at, TAG.errorMsg, message.errorMsg);
  at = putInteger(bytes, at, TAG.timeout, message.timeout);
  at = putInteger(bytes, at, TAG.deadline, message.deadline);
  at = putText(bytes, at, TAG.uniqueKey, message.uniqueKey);
  at = putInteger(bytes, at, TAG.lastFailedAt, message.lastFailedAt);
  at = putInteger(bytes, at, TAG.retention, message.retention);
  at = putInteger(bytes, at, TAG.completedAt, message.completedAt);
  at = putText(bytes, at, TAG.groupKey, message.groupKey);
  for (const key of Object.keys(message.headers)) {
    const value = message.headers[key] ?? '';
    at = putHead(bytes, at, TAG.headers, entryLength(key, value));
    at = putEntryText(bytes, at, TAG.mapKey, key);
    at = putEntryText(bytes, at, TAG.mapValue, value);
  }
}

/** Go writes key and value of a map entry even where they are empty. */
function entryLength(key: string, value: string): number {
  const keyLength = textLength(key, 'headers');
  const valueLength = textLength(value, `headers.${key}`);
  return (fieldSize(keyLength) || 2) + (fieldSize(valueLength) || 2);
}

function putEntryText(bytes: Buffer, at: number, tag: number, text: string): number {
  const start = putHead(bytes, at, tag, Buffer.byteLength(text));
  return start + bytes.write(text, start);
}

/**
 * The bytes as a message; unknown fields are skipped. Whatever the bytes are, it throws nothing but
 * `UndecodableMessageError`.
 */
export function decodeTaskMessage(bytes: Uint8Array): TaskMessage {
  return decodeWith(bytes, 'TaskMessage', (reader) => readTaskMessage(reader, readBytes));
}

/** As `decodeTaskMessage`, but the payload stays where it is: in the memory of the message. */
export function viewTaskMessage(bytes: Uint8Array): TaskMessage {
  return decodeWith(bytes, 'TaskMessage', (reader) => readTaskMessage(reader, viewBytes));
}

/** A message in which nothing is set. */
export function emptyTaskMessage(): TaskMessage {
  return messageWith(new Uint8Array(0));
}

/** A message in which nothing but the payload is set. */
export function messageWith(payload: Uint8Array): TaskMessage {
  return {
    type: '',
    payload,
    id: '',
    queue: '',
    retry: 0,
    retried: 0,
    errorMsg: '',
    timeout: 0,
    deadline: 0,
    uniqueKey: '',
    lastFailedAt: 0,
    retention: 0,
    completedAt: 0,
    groupKey: '',
    headers: {},
  };
}

/** Stands for "not read yet"; never leaves this file, since a shared array could be transferred away. */
const UNREAD = new Uint8Array(0);

function readTaskMessage(reader: Reader, readPayload: typeof readBytes): TaskMessage {
  const message = messageWith(UNREAD);
  while (reader.pos < reader.len) readField(reader, reader.tag(), message, readPayload);
  if (message.payload === UNREAD) message.payload = new Uint8Array(0);
  return message;
}

function readField(
  reader: Reader,
  tag: number,
  message: TaskMessage,
  readPayload: typeof readBytes,
): void {
  switch (tag) {
    case TAG.type:
      message.type = readString(reader);
      break;
    case TAG.payload:
      message.payload = readPayload(reader);
      break;
    case TAG.id:
      message.id = readString(reader);
      break;
    case TAG.queue:
      message.queue = readString(reader);
      break;
    case TAG.retry:
      message.retry = readInt32(reader);
      break;
    case TAG.retried:
      message.retried = readInt32(reader);
      break;
    case TAG.errorMsg:
      message.errorMsg = readString(reader);
      break;
    case TAG.timeout:
      message.timeout = readInt64(reader);
      break;
    case TAG.deadline:
      message.deadline = readInt64(reader);
      break;
    case TAG.uniqueKey:
      message.uniqueKey = readString(reader);
      break;
    case TAG.lastFailedAt:
      message.lastFailedAt = readInt64(reader);
      break;
    case TAG.retention:
      message.retention = readInt64(reader);
      break;
    case TAG.completedAt:
      message.completedAt = readInt64(reader);
      break;
    case TAG.groupKey:
      message.groupKey = readString(reader);
      break;
    case TAG.headers:
      readHeader(reader, message.headers);
      break;
    default:
      skipField(reader, tag);
  }
}

function readHeader(reader: Reader, headers: Record<string, string>): void {
  let key = '';
  let value = '';
  readNested(reader, (tag) => {
    if (tag === TAG.mapKey) key = readString(reader);
    else if (tag === TAG.mapValue) value = readString(reader);
    else skipField(reader, tag);
  });
  setOwn(headers, key, value);
}

/** Plain assignment to `__proto__` would change the prototype instead of adding a key. */
function setOwn(target: Record<string, string>, key: string, value: string): void {
  if (key !== '__proto__') target[key] = value;
  else
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
