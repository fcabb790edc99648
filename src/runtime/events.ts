/**
 * What happened, emitted once, when it is certain (after Redis confirmed it). Metrics, logs, hooks and tests listen
 * here. A listener that throws is reported as a `fault` and harms nothing.
 */
import type { RequeueReason } from '../policy/settlement.ts';
import type { StuckReason } from '../policy/stop-reason.ts';
import type { GroupRef, TaskRef } from '../task.ts';
import type { FailureKind, StopReason } from '../threads/messages.ts';

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
        | FailureKind
        | 'thread_died'
        | 'out_of_memory'
        | 'process_died'
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
      reason: 'failure' | 'retry_later' | 'not_failure' | 'put_off';
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
  /**
   * The task's thread has been terminated a second ago and has still not ended: its code is in a call that V8 cannot
   * interrupt. The slot stays taken and the lease is kept until it has.
   */
  stuck: [{ task: TaskRef; reason: StuckReason }];
  /** A thread or process died while it ran this task alone; `crashes` in all. Told before the attempt's settlement. */
  crashed: [{ task: TaskRef; crashes: number }];
  /** An error that nobody caught, of a task whose outcome is settled already. Its thread is replaced. */
  lateError: [{ task: Pick<TaskRef, 'id' | 'type' | 'queue'>; error: Error }];
  /** The tasks of a group were made one, `taskId`, or none, and are being deleted. */
  aggregated: [{ group: GroupRef; count: number; runMs: number; taskId: string | undefined }];
  /** An aggregate function failed or was stopped: the tasks are back in their group, which is left alone for a while. */
  aggregationFailed: [
    {
      group: GroupRef;
      count: number;
      error: Error;
      runMs: number | undefined;
      /** `not_stored`: what it returned was refused. */
      reason: ServerEvents['failed'][0]['reason'] | 'not_stored';
      pauseMs: number;
    },
  ];
  /** Tasks that a lost server had staged went back to their group. */
  reclaimed: [{ group: GroupRef; count: number }];
  /** A thread ended; the pool replaces it. */
  threadExited: [{ threadId: number }];
  /**
   * Redis became reachable or unreachable, or refuses to write, in Redis's words in `refusal` (full, a replica, ...), or
   * does so no longer: once per change.
   */
  redis: [{ isUp: boolean; refusal?: string }];
  /** Something went wrong in the background; the runtime goes on. */
  fault: [{ where: string; error: Error }];
}
