/** `SchedulerEntry` and `SchedulerEnqueueEvent` (protocol, sections 4.4 and 4.5). */
import {
  checkText,
  createWriter,
  decodeWith,
  readBytes,
  readString,
  skipField,
  writeBytes,
  writeString,
} from './fields.ts';
import type { Reader } from './fields.ts';
import { GO_ZERO_TIME_MS, readTimestamp, writeTimestamp } from './timestamp.ts';

/** One periodic task as the fleet's tools see it. */
export interface SchedulerEntry {
  /** UUID of the entry. */
  id: string;
  /** Cron expression as it was registered. */
  spec: string;
  taskType: string;
  taskPayload: Uint8Array;
  /** Options as text, e.g. `Queue("low")` (protocol 5.4). */
  enqueueOptions: string[];
  /** Milliseconds since 1970. */
  nextEnqueueAt: number;
  /** Milliseconds since 1970; `undefined` before the first time. */
  prevEnqueueAt: number | undefined;
}

/** One firing of a scheduler entry. */
export interface SchedulerEnqueueEvent {
  taskId: string;
  /** Milliseconds since 1970. */
  enqueuedAt: number;
}

/** Bytes of a `SchedulerEntry`; "never" is written as Go's zero time. Throws `InvalidOptionsError` naming a bad field. */
export function encodeSchedulerEntry(entry: SchedulerEntry): Uint8Array {
  const writer = createWriter();
  writeString(writer, 0x0a, entry.id, 'id');
  writeString(writer, 0x12, entry.spec, 'spec');
  writeString(writer, 0x1a, entry.taskType, 'taskType');
  writeBytes(writer, 0x22, entry.taskPayload);
  for (const option of entry.enqueueOptions) {
    writer.uint32(0x2a).string(checkText(option, 'enqueueOptions'));
  }
  writeTimestamp(writer, 0x32, entry.nextEnqueueAt, 'nextEnqueueAt');
  writeTimestamp(writer, 0x3a, entry.prevEnqueueAt ?? GO_ZERO_TIME_MS, 'prevEnqueueAt');
  return writer.finish();
}

/** Reads a `SchedulerEntry`; throws nothing but `UndecodableMessageError`. */
export function decodeSchedulerEntry(bytes: Uint8Array): SchedulerEntry {
  return decodeWith(bytes, 'SchedulerEntry', readSchedulerEntry);
}

function readSchedulerEntry(reader: Reader): SchedulerEntry {
  const entry: SchedulerEntry = {
    id: '',
    spec: '',
    taskType: '',
    taskPayload: new Uint8Array(0),
    enqueueOptions: [],
    nextEnqueueAt: 0,
    prevEnqueueAt: undefined,
  };
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 0x0a) entry.id = readString(reader);
    else if (tag === 0x12) entry.spec = readString(reader);
    else if (tag === 0x1a) entry.taskType = readString(reader);
    else if (tag === 0x22) entry.taskPayload = readBytes(reader);
    else if (tag === 0x2a) entry.enqueueOptions.push(readString(reader));
    else if (tag === 0x32) entry.nextEnqueueAt = readTimestamp(reader);
    else if (tag === 0x3a) entry.prevEnqueueAt = neverAsUndefined(readTimestamp(reader));
    else skipField(reader, tag);
  }
  return entry;
}

function neverAsUndefined(atMs: number): number | undefined {
  return atMs === GO_ZERO_TIME_MS ? undefined : atMs;
}

/** Bytes of a `SchedulerEnqueueEvent`. Throws `InvalidOptionsError` naming a bad field. */
export function encodeSchedulerEnqueueEvent(event: SchedulerEnqueueEvent): Uint8Array {
  const writer = createWriter();
  writeString(writer, 0x0a, event.taskId, 'taskId');
  writeTimestamp(writer, 0x12, event.enqueuedAt, 'enqueuedAt');
  return writer.finish();
}

/** Reads a `SchedulerEnqueueEvent`; throws nothing but `UndecodableMessageError`. */
export function decodeSchedulerEnqueueEvent(bytes: Uint8Array): SchedulerEnqueueEvent {
  return decodeWith(bytes, 'SchedulerEnqueueEvent', (reader) => {
    const event: SchedulerEnqueueEvent = { taskId: '', enqueuedAt: 0 };
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      if (tag === 0x0a) event.taskId = readString(reader);
      else if (tag === 0x12) event.enqueuedAt = readTimestamp(reader);
      else skipField(reader, tag);
    }
    return event;
  });
}
