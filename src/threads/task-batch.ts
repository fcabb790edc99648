/**
 * Tasks on their way to a thread, several in one message, as one flat list of plain values with all small payloads in
 * one piece of memory: as objects they would cost nine times as much to send and to receive.
 *
 * A large payload moves to the thread, or lies in memory that both share. Of that the thread makes a copy when it begins
 * the task, in memory that was sent along: what a thread allocates itself is new to the process nearly each time, and its
 * first use costs three times what the copy does.
 */
import type { GroupParcel, HandlerRef, TaskEnvelope } from './messages.ts';

/** Payloads from this size on are transferred, not copied: below it a copy is cheaper than the bookkeeping. */
export const TRANSFER_FROM_BYTES = 65_536;

/** A task on its way to a thread. */
export interface PlacedTask {
  readonly envelope: TaskEnvelope;
  /** On the thread's board. */
  readonly place: number;
}

/** The task as the thread has it. */
export type PlacedEnvelope = TaskEnvelope & {
  readonly place: number;
  /** For the copy of a shared payload, of its size. */
  readonly room?: ArrayBuffer;
};

/** The message. */
export interface TaskBatch {
  /** `FIELDS` values per task. */
  readonly fields: readonly unknown[];
  readonly handlers: readonly HandlerRef[];
  /** The small payloads, one after the other. */
  readonly payloads: Uint8Array;
}

/** What is posted: the batch, and the memory that moves to the thread with it. */
export interface BatchParcel {
  readonly batch: TaskBatch;
  readonly transferList: ArrayBuffer[];
}

/** Values per task. */
const FIELDS = 14;

/** Whether the payload moves to the thread, so that nothing of it is left here. */
export function isTransferred({ payload }: TaskEnvelope): boolean {
  return payload.byteLength >= TRANSFER_FROM_BYTES && payload.buffer instanceof ArrayBuffer;
}

/** A small one is copied like any other. Asked of its size first: V8 makes the buffer of a small array when it is asked for. */
function isShared({ payload }: TaskEnvelope): boolean {
  return payload.byteLength >= TRANSFER_FROM_BYTES && payload.buffer instanceof SharedArrayBuffer;
}

/**
 * The payload in memory of its own. To be called once, between the beginning of the task and its end: main keeps a shared
 * payload as it is for so long.
 */
export function ownPayload({
  payload,
  room,
}: Pick<PlacedEnvelope, 'payload' | 'room'>): Uint8Array {
  if (room === undefined) return payload;
  // `set` copies shared memory byte by byte where it is not aligned, which takes ten times as long.
  if (payload.byteLength > 0) Buffer.from(room).fill(payload);
  return new Uint8Array(room);
}

/** The tasks of one message after the other: `most` in each, or all in one. */
export function inParts<Task>(
  tasks: readonly Task[],
  most: number = tasks.length,
): (readonly Task[])[] {
  if (tasks.length <= most) return [tasks];
  const parts: (readonly Task[])[] = [];
  for (let at = 0; at < tasks.length; at += most) parts.push(tasks.slice(at, at + most));
  return parts;
}

/** Packs tasks. Throws when a payload's memory has gone. */
export function packBatch(tasks: readonly PlacedTask[]): BatchParcel {
  const fields: unknown[] = [];
  const handlers: HandlerRef[] = [];
  const transferList: ArrayBuffer[] = [];
  const payloads = new Uint8Array(smallBytes(tasks));
  let at = 0;
  for (const task of tasks) {
    const { envelope } = task;
    const { payload, handler } = envelope;
    let room: ArrayBuffer | undefined;
    if (isShared(envelope)) {
      room = Buffer.allocUnsafeSlow(payload.byteLength).buffer;
      transferList.push(room);
    } else if (isTransferred(envelope)) {
      transferList.push(payload.buffer as ArrayBuffer);
    } else {
      payloads.set(payload, at);
      at += payload.byteLength;
    }
    pushFields(fields, task, indexOf(handlers, handler), isSmall(envelope) ? at : payload, room);
  }
  if (payloads.byteLength > 0) transferList.push(payloads.buffer);
  return { batch: { fields, handlers, payloads }, transferList };
}

/** The tasks of a message. Each payload owns its memory or is shared, see `ownPayload`. */
export function unpackBatch({ fields, handlers, payloads }: TaskBatch): PlacedEnvelope[] {
  const envelopes: PlacedEnvelope[] = [];
  let from = 0;
  for (let i = 0; i < fields.length; i += FIELDS) {
    const end = fields[i + 6] as Uint8Array | number;
    const payload = typeof end === 'number' ? payloads.slice(from, end) : end;
    if (typeof end === 'number') from = end;
    envelopes.push(readFields(fields, i, handlers, payload));
  }
  return envelopes;
}

function smallBytes(tasks: readonly PlacedTask[]): number {
  let bytes = 0;
  for (const { envelope } of tasks) {
    if (isSmall(envelope)) bytes += envelope.payload.byteLength;
  }
  return bytes;
}

/** Whether the payload is copied into the message. */
function isSmall(envelope: TaskEnvelope): boolean {
  return !isTransferred(envelope) && !isShared(envelope);
}

/** Few modules, many tasks. */
function indexOf(handlers: HandlerRef[], { url, pattern }: HandlerRef): number {
  for (let at = 0; at < handlers.length; at += 1) {
    if (handlers[at]?.url === url && handlers[at]?.pattern === pattern) return at;
  }
  return handlers.push({ url, pattern }) - 1;
}

function pushFields(
  fields: unknown[],
  { envelope, place }: PlacedTask,
  handler: number,
  payload: Uint8Array | number,
  room: ArrayBuffer | undefined,
): void {
  fields.push(
    envelope.run,
    place,
    handler,
    envelope.id,
    envelope.type,
    envelope.queue,
    payload,
    isEmpty(envelope.headers) ? undefined : envelope.headers,
    envelope.retried,
    envelope.maxRetry,
    envelope.deadline,
    envelope.keepsResult,
    envelope.group,
    room,
  );
}

function isEmpty(headers: TaskEnvelope['headers']): boolean {
  return Object.keys(headers).length === 0;
}

/** The order of `pushFields`. */
function readFields(
  fields: readonly unknown[],
  i: number,
  handlers: readonly HandlerRef[],
  payload: Uint8Array,
): PlacedEnvelope {
  const handler = handlers[fields[i + 2] as number];
  if (handler === undefined) throw new RangeError('a task without its handler');
  const envelope: { -readonly [Name in keyof PlacedEnvelope]: PlacedEnvelope[Name] } = {
    run: fields[i] as number,
    place: fields[i + 1] as number,
    handler,
    id: fields[i + 3] as string,
    type: fields[i + 4] as string,
    queue: fields[i + 5] as string,
    payload,
    headers: (fields[i + 7] as TaskEnvelope['headers'] | undefined) ?? {},
    retried: fields[i + 8] as number,
    maxRetry: fields[i + 9] as number,
    keepsResult: fields[i + 11] as boolean,
  };
  const [deadline, group, room] = [fields[i + 10], fields[i + 12], fields[i + 13]];
  if (deadline !== undefined) envelope.deadline = deadline as number;
  if (group !== undefined) envelope.group = group as GroupParcel;
  if (room !== undefined) envelope.room = room as ArrayBuffer;
  return envelope;
}
