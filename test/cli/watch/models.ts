/** Models of the live view for its tests. */
import {
  type FailureRow,
  newModel,
  type QueueRow,
  type Snapshot,
  type WatchModel,
  type WorkerRow,
  withSnapshot,
} from '../../../src/cli/watch/model.ts';

/** When all of it is. */
export const NOW: Date = new Date('2030-01-02T03:04:05Z');

export function queue(name: string, more: Partial<QueueRow> = {}): QueueRow {
  const counts = {
    pending: 1234,
    active: 2,
    scheduled: 3,
    retry: 4,
    archived: 5,
    completed: 6,
    aggregating: 7,
  };
  return {
    queue: name,
    counts,
    size: 1261,
    latencyMs: 1500,
    memoryBytes: 0,
    groups: 0,
    processedToday: 0,
    failedToday: 0,
    processedTotal: 0,
    failedTotal: 0,
    isPaused: false,
    processedPerSecond: 12.34,
    failedPerSecond: 0,
    ...more,
  };
}

export function worker(taskId: string, more: Partial<WorkerRow> = {}): WorkerRow {
  const startedAt = new Date(NOW.getTime() - 65_000);
  return { taskId, type: 'image:resize', queue: 'critical', server: 'host:1', startedAt, ...more };
}

export function failure(taskId: string, more: Partial<FailureRow> = {}): FailureRow {
  return {
    taskId,
    type: 'mail:send',
    queue: 'low',
    state: 'retry',
    error: 'boom',
    failedAt: new Date(NOW.getTime() - 5_000),
    retried: 1,
    maxRetry: 25,
    ...more,
  };
}

export function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    at: NOW,
    queues: [queue('critical'), queue('low', { isPaused: true })],
    servers: { count: 2, concurrency: 8, queues: ['critical'] },
    workers: [worker('w1'), worker('w2')],
    failures: [failure('f1'), failure('f2', { state: 'archived' })],
    ...more,
  };
}

export function model(more: Partial<Snapshot> = {}): WatchModel {
  return withSnapshot(newModel('redis://localhost:6379'), snapshot(more));
}
