/**
 * `TaskMessage` (protocol, section 4.1): what the hash field `msg` of a task holds. Every task passes here twice, so
 * the mapping is written out field by field over the library's reader and writer.
 */
import {
  checkText,
  createWriter,
  decodeWith,
  readBytes,
  readInt32,
  readInt64,
  readNested,
  readString,
  skipField,
  writeBytes,
  writeInt32,
  writeInt64,
  writeString,
} from './fields.ts';
import type { Reader, Writer } from './fields.ts';

export { rewriteTaskMessage, stampTaskMessage } from './rewrite-task-message.ts';
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
  const writer = createWriter();
  writeString(writer, TAG.type, message.type, 'type');
  writeBytes(writer, TAG.payload, message.payload);
  writeString(writer, TAG.id, message.id, 'id');
  writeString(writer, TAG.queue, message.queue, 'queue');
  writeInt32(writer, TAG.retry, message.retry, 'retry');
  writeInt32(writer, TAG.retried, message.retried, 'retried');
  writeString(writer, TAG.errorMsg, message.errorMsg, 'errorMsg');
  writeInt64(writer, TAG.timeout, message.timeout, 'timeout');
  writeInt64(writer, TAG.deadline, message.deadline, 'deadline');
  writeString(writer, TAG.uniqueKey, message.uniqueKey, 'uniqueKey');
  writeInt64(writer, TAG.lastFailedAt, message.lastFailedAt, 'lastFailedAt');
  writeInt64(writer, TAG.retention, message.retention, 'retention');
  writeInt64(writer, TAG.completedAt, message.completedAt, 'completedAt');
  writeString(writer, TAG.groupKey, message.groupKey, 'groupKey');
  writeHeaders(writer, message.headers);
  return writer.finish();
}

/** Go writes key and value of a map entry even where they are empty. */
function writeHeaders(writer: Writer, headers: Record<string, string>): void {
  for (const [key, value] of Object.entries(headers)) {
    writer
      .uint32(TAG.headers)
      .fork()
      .uint32(TAG.mapKey)
      .string(checkText(key, 'headers'))
      .uint32(TAG.mapValue)
      .string(checkText(value, `headers.${key}`))
      .ldelim();
  }
}

/**
 * The bytes as a message; unknown fields are skipped. Whatever the bytes are, it throws nothing but
 * `UndecodableMessageError`.
 */
export function decodeTaskMessage(bytes: Uint8Array): TaskMessage {
  return decodeWith(bytes, 'TaskMessage', readTaskMessage);
}

/** A message in which nothing is set. */
export function emptyTaskMessage(): TaskMessage {
  return messageWith(new Uint8Array(0));
}

function messageWith(payload: Uint8Array): TaskMessage {
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

function readTaskMessage(reader: Reader): TaskMessage {
  const message = messageWith(UNREAD);
  while (reader.pos < reader.len) readField(reader, reader.tag(), message);
  if (message.payload === UNREAD) message.payload = new Uint8Array(0);
  return message;
}

function readField(reader: Reader, tag: number, message: TaskMessage): void {
  switch (tag) {
    case TAG.type:
      message.type = readString(reader);
      break;
    case TAG.payload:
      message.payload = readBytes(reader);
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
