/** `ServerInfo` and `WorkerInfo` (protocol, sections 4.2 and 4.3): what a server publishes with every heartbeat. */
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
  writeString,
} from './fields.ts';
import type { Reader, Writer } from './fields.ts';
import { readTimestamp, writeTimestamp } from './timestamp.ts';

/** A server as the fleet's tools see it. */
export interface ServerInfo {
  host: string;
  pid: number;
  /** UUID of the server instance; joins it with its `WorkerInfo`s. */
  serverId: string;
  /** How many tasks run at once. */
  concurrency: number;
  /** Priority by queue, as configured. */
  queues: Record<string, number>;
  strictPriority: boolean;
  /** `active`, `stopped` (no longer pulling) or `closed` (shutting down). */
  status: string;
  /** Milliseconds since 1970. */
  startTimeMs: number;
  /** How many `WorkerInfo`s stand beside it. */
  activeWorkerCount: number;
}

/** One running task as the fleet's tools see it. */
export interface WorkerInfo {
  host: string;
  pid: number;
  serverId: string;
  taskId: string;
  taskType: string;
  taskPayload: Uint8Array;
  queue: string;
  /** Milliseconds since 1970. */
  startTimeMs: number;
  /** When the attempt is stopped, in milliseconds since 1970. */
  deadlineMs: number;
}

/** Bytes of a `ServerInfo`. Throws `InvalidOptionsError` naming a field that does not fit. */
export function encodeServerInfo(info: ServerInfo): Uint8Array {
  const writer = createWriter();
  writeString(writer, 0x0a, info.host, 'host');
  writeInt32(writer, 0x10, info.pid, 'pid');
  writeString(writer, 0x1a, info.serverId, 'serverId');
  writeInt32(writer, 0x20, info.concurrency, 'concurrency');
  writeQueues(writer, info.queues);
  if (info.strictPriority) writer.uint32(0x30).bool(true);
  writeString(writer, 0x3a, info.status, 'status');
  writeTimestamp(writer, 0x42, info.startTimeMs, 'startTimeMs');
  writeInt32(writer, 0x48, info.activeWorkerCount, 'activeWorkerCount');
  return writer.finish();
}

function writeQueues(writer: Writer, queues: Record<string, number>): void {
  for (const [queue, priority] of Object.entries(queues)) {
    writer
      .uint32(0x2a)
      .fork()
      .uint32(0x0a)
      .string(checkText(queue, 'queues'))
      .uint32(0x10)
      .int32(priority)
      .ldelim();
  }
}

/** Reads a `ServerInfo`; throws nothing but `UndecodableMessageError`. An absent start reads as 1970. */
export function decodeServerInfo(bytes: Uint8Array): ServerInfo {
  return decodeWith(bytes, 'ServerInfo', readServerInfo);
}

function readServerInfo(reader: Reader): ServerInfo {
  const queues = new Map<string, number>();
  const info: Omit<ServerInfo, 'queues'> = {
    host: '',
    pid: 0,
    serverId: '',
    concurrency: 0,
    strictPriority: false,
    status: '',
    startTimeMs: 0,
    activeWorkerCount: 0,
  };
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 0x0a) info.host = readString(reader);
    else if (tag === 0x10) info.pid = readInt32(reader);
    else if (tag === 0x1a) info.serverId = readString(reader);
    else if (tag === 0x20) info.concurrency = readInt32(reader);
    else if (tag === 0x2a) readQueue(reader, queues);
    else if (tag === 0x30) info.strictPriority = readInt64(reader) !== 0;
    else if (tag === 0x3a) info.status = readString(reader);
    else if (tag === 0x42) info.startTimeMs = readTimestamp(reader);
    else if (tag === 0x48) info.activeWorkerCount = readInt32(reader);
    else skipField(reader, tag);
  }
  return { ...info, queues: Object.fromEntries(queues) };
}

function readQueue(reader: Reader, queues: Map<string, number>): void {
  let queue = '';
  let priority = 0;
  readNested(reader, (tag) => {
    if (tag === 0x0a) queue = readString(reader);
    else if (tag === 0x10) priority = readInt32(reader);
    else skipField(reader, tag);
  });
  queues.set(queue, priority);
}

/** Bytes of a `WorkerInfo`. Throws `InvalidOptionsError` naming a field that does not fit. */
export function encodeWorkerInfo(info: WorkerInfo): Uint8Array {
  const writer = createWriter();
  writeString(writer, 0x0a, info.host, 'host');
  writeInt32(writer, 0x10, info.pid, 'pid');
  writeString(writer, 0x1a, info.serverId, 'serverId');
  writeString(writer, 0x22, info.taskId, 'taskId');
  writeString(writer, 0x2a, info.taskType, 'taskType');
  writeBytes(writer, 0x32, info.taskPayload);
  writeString(writer, 0x3a, info.queue, 'queue');
  writeTimestamp(writer, 0x42, info.startTimeMs, 'startTimeMs');
  writeTimestamp(writer, 0x4a, info.deadlineMs, 'deadlineMs');
  return writer.finish();
}

/** Reads a `WorkerInfo`; throws nothing but `UndecodableMessageError`. An absent instant reads as 1970. */
export function decodeWorkerInfo(bytes: Uint8Array): WorkerInfo {
  return decodeWith(bytes, 'WorkerInfo', readWorkerInfo);
}

function readWorkerInfo(reader: Reader): WorkerInfo {
  const info: WorkerInfo = {
    host: '',
    pid: 0,
    serverId: '',
    taskId: '',
    taskType: '',
    taskPayload: new Uint8Array(0),
    queue: '',
    startTimeMs: 0,
    deadlineMs: 0,
  };
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 0x0a) info.host = readString(reader);
    else if (tag === 0x10) info.pid = readInt32(reader);
    else if (tag === 0x1a) info.serverId = readString(reader);
    else if (tag === 0x22) info.taskId = readString(reader);
    else if (tag === 0x2a) info.taskType = readString(reader);
    else if (tag === 0x32) info.taskPayload = readBytes(reader);
    else if (tag === 0x3a) info.queue = readString(reader);
    else if (tag === 0x42) info.startTimeMs = readTimestamp(reader);
    else if (tag === 0x4a) info.deadlineMs = readTimestamp(reader);
    else skipField(reader, tag);
  }
  return info;
}
