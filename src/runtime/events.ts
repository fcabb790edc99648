/**
 * What happened, emitted once, when it is certain (after Redis confirmed it). Metrics, logs, hooks and tests listen
 * here. A listener that throws is reported as a `fault` and harms nothing.
 */
import type { RequeueReason } from '../policy/settlement.ts';
import type { TaskRef } from '../task.ts';
import type { StopReason } from '../threads/messages.ts';

/** Every event with its one argument. Durations are milliseconds. */
export interface ServerEvents {
  /** A thread began to run a task. `waitMs`: time in the queue, where known. */
  started: [{ task: TaskRef; threadId: number; waitMs: number | undefined }];
  progress: [{ task: TaskRef; value: unknown }];
  /** Settled as success. `isKept`: completed with retention. */
  succeeded: [{ task: TaskRef; runMs: number; isKept: boolean }];
  /** A failed attempt; `retried` or `archived` follows. `reason` when the run was stopped. */
  failed: [
    {
      task: TaskRef;
      error: Error;
      runMs: number | undefined;
      reason:
        | StopReason
        | 'error'
        | 'thread_died'
        | 'lease_expired'
        | 'undecodable'
        | 'not_found'
        | 'invalid_payload';
    },
  ];
  /** Waits for its next attempt. `counts`: whether it grew the queue's counters and spent a retry. */
  retried: [
    {
      task: TaskRef;
      error: Error;
      delayMs: number;
      counts: boolean;
      reason: 'failure' | 'retry_later' | 'not_failure';
    },
  ];
  archived: [{ task: TaskRef; error: Error }];
  revoked: [{ task: TaskRef; error: Error; runMs: number }];
  /** Went back without being counted. */
  requeued: [{ task: TaskRef; reason: RequeueReason }];
  /** The task was not ours any more: lease lost, recovered or deleted elsewhere. Nothing was written. */
  lost: [{ task: TaskRef }];
  /** An ID without hash was taken out of a queue. */
  dropped: [{ queue: string; taskId: string }];
  /** A stop was sent to a running task. */
  stopping: [{ task: TaskRef; reason: StopReason }];
  /** A thread ended; the pool replaces it. */
  threadExited: [{ threadId: number }];
  /** Redis became reachable or unreachable: once per change. */
  redis: [{ isUp: boolean }];
  /** Something went wrong in the background; the runtime goes on. */
  fault: [{ where: string; error: Error }];
}
