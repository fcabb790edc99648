/** Makes what servers and schedulers published readable. Entries whose bytes make no sense are left out. */
import type { ServerBytes } from '../broker/broker.ts';
import { UndecodableMessageError } from '../errors.ts';
import { decodeSchedulerEnqueueEvent, decodeSchedulerEntry } from '../wire/scheduler-entry.ts';
import { decodeServerInfo, decodeWorkerInfo, type WorkerInfo } from '../wire/server-info.ts';
import type { ScheduleEntryInfo, ScheduleEvent, ServerEntry, WorkerEntry } from './types.ts';

/** Servers by host and process, each with its workers; workers without a server are left out (protocol 13.8). */
export function serverEntries({ infos, workers }: ServerBytes): ServerEntry[] {
  const running = decodeAll(workers, decodeWorkerInfo);
  const entries = decodeAll(infos, decodeServerInfo).map((info) => ({
    id: info.serverId,
    host: info.host,
    pid: info.pid,
    concurrency: info.concurrency,
    queues: info.queues,
    strictPriority: info.strictPriority,
    status: info.status,
    startedAt: toDate(info.startTimeMs),
    workers: running.filter(({ serverId }) => serverId === info.serverId).map(workerEntry),
  }));
  return entries.sort((a, b) => compare(a.host, b.host) || a.pid - b.pid || compare(a.id, b.id));
}

function workerEntry(info: WorkerInfo): WorkerEntry {
  return {
    taskId: info.taskId,
    type: info.taskType,
    queue: info.queue,
    payload: info.taskPayload,
    startedAt: toDate(info.startTimeMs),
    // Go writes its zero time where there is none.
    ...(info.deadlineMs > 0 ? { deadline: toDate(info.deadlineMs) } : {}),
  };
}

/** Entries of all schedulers, those that are due next first. */
export function scheduleEntries(entries: readonly Uint8Array[]): ScheduleEntryInfo[] {
  const infos = decodeAll(entries, decodeSchedulerEntry).map((entry) => ({
    id: entry.id,
    spec: entry.spec,
    type: entry.taskType,
    payload: entry.taskPayload,
    options: entry.enqueueOptions,
    nextAt: toDate(entry.nextEnqueueAt),
    ...(entry.prevEnqueueAt === undefined ? {} : { previousAt: toDate(entry.prevEnqueueAt) }),
  }));
  return infos.sort((a, b) => a.nextAt.getTime() - b.nextAt.getTime() || compare(a.id, b.id));
}

/** Enqueue events of one entry, in the order given. */
export function scheduleEvents(events: readonly Uint8Array[]): ScheduleEvent[] {
  return decodeAll(events, decodeSchedulerEnqueueEvent).map(({ taskId, enqueuedAt }) => ({
    taskId,
    enqueuedAt: toDate(enqueuedAt),
  }));
}

function decodeAll<Decoded>(
  all: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => Decoded,
): Decoded[] {
  return all.flatMap((bytes) => {
    try {
      return [decode(bytes)];
    } catch (error) {
      if (error instanceof UndecodableMessageError) return [];
      throw error;
    }
  });
}

/** Farthest instant that a Date can hold; foreign bytes may say more. */
const LAST_MS = 8_640_000_000_000_000;

function toDate(ms: number): Date {
  return new Date(Math.max(-LAST_MS, Math.min(LAST_MS, ms)));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
