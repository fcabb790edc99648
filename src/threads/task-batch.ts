/**
 * Tasks on their way to a thread, several in one message, as one flat list of plain values with all small payloads in
 * one piece of memory, and with what they have in common said once: as objects they would cost nine times as much to send
 * and to receive.
 *
 * A large payload moves to the thread, or lies in memory that both share. Of that the thread makes a copy when it begins
 * the task, in memory that was sent along: what a thread allocates itself is new to the process nearly each time, and its
 * first use costs three times what the copy does.
 */
import type { GroupParcel, TaskEnvelope } from './messages.ts';

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

/** What most tasks of one message have in common. */
export interface TaskKind
  extends Pick<
    TaskEnvelope,
    'handler' | 'type' | 'queue' | 'retried' | 'maxRetry' | 'keepsResult'
  > {}

/** What few tasks have. */
interface Rarities {
  readonly headers?: TaskEnvelope['headers'];
  readonly group?: GroupParcel;
  /** See `PlacedEnvelope`. */
  readonly room?: ArrayBuffer;
}

/** The message. */
export interface TaskBatch {
  /** `FIELDS` values per task. */
  readonly fields: readonly unknown[];
  readonly kinds: readonly TaskKind[];
  /** The small payloads, one after the other. */
  readonly payloads: Uint8Array;
}

/** What is posted: the batch, and the memory that moves to the thread with it. */
export interface BatchParcel {
  readonly batch: TaskBatch;
  readonly transferList: ArrayBuffer[];
}

/** Values per task: run, place, index of its kind, ID, payload or where it ends among the small ones, deadline, rarities. */
const FIELDS = 7;

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
  const kinds: TaskKind[] = [];
  const transferList: ArrayBuffer[] = [];
  const payloads = new Uint8Array(smallBytes(tasks));
  let at = 0;
  for (const { envelope, place } of tasks) {
    const { run, id, payload, deadline } = envelope;
    let room: ArrayBuffer | undefined;
    let sent: Uint8Array | number = payload;
    if (isShared(envelope)) {
      room = Buffer.allocUnsafeSlow(payload.byteLength).buffer;
      transferList.push(room);
    } else if (isTransferred(envelope)) {
      transferList.push(payload.buffer as ArrayBuffer);
    } else {
      payloads.set(payload, at);
      at += payload.byteLength;
      sent = at;
    }
    const kind = indexOfKind(kinds, envelope);
    fields.push(run, place, kind, id, sent, deadline, raritiesOf(envelope, room));
  }
  if (payloads.byteLength > 0) transferList.push(payloads.buffer);
  return { batch: { fields, kinds, payloads }, transferList };
}

/** The tasks of a message. Each payload owns its memory or is shared, see `ownPayload`. */
export function unpackBatch({ fields, kinds, payloads }: TaskBatch): PlacedEnvelope[] {
  const envelopes: PlacedEnvelope[] = [];
  let from = 0;
  for (let i = 0; i < fields.length; i += FIELDS) {
    const sent = fields[i + 4] as Uint8Array | number;
    const payload = typeof sent === 'number' ? payloads.slice(from, sent) : sent;
    if (typeof sent === 'number') from = sent;
    envelopes.push(readFields(fields, i, kinds, payload));
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

/** Where tasks have little in common, looking through all kinds would cost more than saying one again. */
const LOOK_BACK = 16;

/** Mostly that of the task before. */
function indexOfKind(kinds: TaskKind[], task: TaskKind): number {
  const last = kinds.length - 1;
  for (let at = last; at >= 0 && at > last - LOOK_BACK; at -= 1) {
    const kind = kinds[at];
    if (kind !== undefined && isOfKind(task, kind)) return at;
  }
  const { handler, type, queue, retried, maxRetry, keepsResult } = task;
  const { url, pattern } = handler;
  const kind = { handler: { url, pattern }, type, queue, retried, maxRetry, keepsResult };
  return kinds.push(kind) - 1;
}

function isOfKind(task: TaskKind, kind: TaskKind): boolean {
  return (
    task.handler.url === kind.handler.url &&
    task.handler.pattern === kind.handler.pattern &&
    task.type === kind.type &&
    task.queue === kind.queue &&
    task.retried === kind.retried &&
    task.maxRetry === kind.maxRetry &&
    task.keepsResult === kind.keepsResult
  );
}

function raritiesOf(
  { headers, group }: TaskEnvelope,
  room: ArrayBuffer | undefined,
): Rarities | undefined {
  const hasHeaders = Object.keys(headers).length > 0;
  if (!hasHeaders && group === undefined && room === undefined) return undefined;
  return { ...(hasHeaders && { headers }), ...(group && { group }), ...(room && { room }) };
}

/** The order is that of `FIELDS`. */
function readFields(
  fields: readonly unknown[],
  i: number,
  kinds: readonly TaskKind[],
  payload: Uint8Array,
): PlacedEnvelope {
  const kind = kinds[fields[i + 2] as number];
  if (kind === undefined) throw new RangeError('a task without its kind');
  const envelope: { -readonly [Name in keyof PlacedEnvelope]: PlacedEnvelope[Name] } = {
    run: fields[i] as number,
    place: fields[i + 1] as number,
    handler: kind.handler,
    id: fields[i + 3] as string,
    type: kind.type,
    queue: kind.queue,
    payload,
    headers: {},
    retried: kind.retried,
    maxRetry: kind.maxRetry,
    keepsResult: kind.keepsResult,
  };
  const [deadline, rarities] = [fields[i + 5], fields[i + 6]];
  if (deadline !== undefined) envelope.deadline = deadline as number;
  if (rarities !== undefined) Object.assign(envelope, rarities);
  return envelope;
}
