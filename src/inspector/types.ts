/**
 * What the inspector takes and answers. One method per action, with what it acts on as a parameter: a single task, a list
 * of IDs, or all tasks of a state that a filter lets through.
 */
import type { QueueInfo } from '../broker/broker.ts';
import type { TaskFilter } from '../policy/task-filter.ts';
import type { TaskInfo, TaskState } from '../task.ts';
import type { TaskRecords } from '../task-records.ts';

export type { AttemptRecord, TaskLogLine, TaskRecords } from '../task-records.ts';

/** Tasks of one queue: one by its ID, several by theirs, or those of a state (all of them without a filter). */
export type TaskSelection =
  | { readonly queue: string; readonly id: string }
  | { readonly queue: string; readonly ids: readonly string[] }
  | {
      readonly queue: string;
      readonly state: TaskState;
      /** Name of the group; needed with `aggregating`, and only there. */
      readonly group?: string;
      readonly filter?: TaskFilter;
    };

export type { TaskFilter };

/** How a long operation is watched and stopped. */
export interface BulkOptions {
  /** Stops between two steps: what is done stays done, and the answer says so. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onProgress?: (progress: BulkProgress) => void;
}

/** How far a long operation is. */
export interface BulkProgress {
  /** Tasks looked at. */
  readonly seen: number;
  /** Tasks that were changed. */
  readonly changed: number;
  /** Tasks that there were at the beginning. */
  readonly total: number;
}

/** What became of an operation. */
export interface BulkResult extends BulkProgress {
  /** Tasks that could not be changed, with the reason; the first hundred. */
  readonly failures: readonly { readonly id: string; readonly error: Error }[];
  /** The signal stopped it before it was through. */
  readonly isStopped: boolean;
}

/** Which part of a list. */
export interface PageOptions {
  /** From 1. Default 1. */
  readonly page?: number;
  /** Entries per page, 1 to 1000. Default 30, as in asynq. */
  readonly size?: number;
}

/** A list of tasks to be read. */
export interface TaskListOptions extends PageOptions {
  readonly queue: string;
  readonly state: TaskState;
  /** Needed with `aggregating`. */
  readonly group?: string;
}

/** One page of tasks, in asynq's order. */
export interface TaskPage {
  readonly tasks: readonly ListedTask[];
  /** Tasks in this state now. */
  readonly total: number;
  readonly page: number;
  readonly size: number;
}

/** A task in a list. */
export interface ListedTask extends TaskInfo {
  /** Active, but no server holds its lease any more. */
  readonly isOrphaned?: boolean;
}

/** One task with everything that is known of it. */
export interface TaskDetails extends TaskInfo, TaskRecords {
  /** Name of its group, if it was enqueued into one. */
  readonly group?: string;
  /** The key of its unique lock, if it has one. */
  readonly uniqueKey?: string;
}

/** Figures of one UTC day. */
export interface DayStats {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Failures included. */
  readonly processed: number;
  readonly failed: number;
}

/** A group with waiting tasks. */
export interface GroupInfo {
  readonly name: string;
  readonly size: number;
}

/** A server of the fleet, Go's too. */
export interface ServerEntry {
  /** UUID. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly concurrency: number;
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  /** `active`, `stopped`, `closed`. */
  readonly status: string;
  readonly startedAt: Date;
  readonly workers: readonly WorkerEntry[];
}

/** A task that a server is running, as of the server's last heartbeat. */
export interface WorkerEntry {
  readonly taskId: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly startedAt: Date;
  readonly deadline?: Date;
}

/** A periodic task of a scheduler, Go's too. */
export interface ScheduleEntryInfo {
  readonly id: string;
  readonly spec: string;
  readonly type: string;
  readonly payload: Uint8Array;
  /** As asynq writes them: `Queue("low")`. */
  readonly options: readonly string[];
  readonly nextAt: Date;
  /** Absent: never yet. */
  readonly previousAt?: Date;
}

/** One enqueue by a scheduler. */
export interface ScheduleEvent {
  readonly taskId: string;
  readonly enqueuedAt: Date;
}

/** Options of `removeQueue`. */
export interface RemoveQueueOptions extends BulkOptions {
  /** Also when it holds tasks; never while it has active ones. Default false. */
  readonly force?: boolean;
}

/**
 * The methods of `Inspector` (inspector.ts), so that those who use it can be built beside it. Each rejects with
 * `QueueNotFoundError`, `TaskNotFoundError`, `TaskStateError`, `QueueNotEmptyError` or `InvalidOptionsError`, and as every
 * call to Redis. `run`, `archive` and `delete` of a single `id` reject where the task cannot be changed; those of several
 * list such tasks under `failures`.
 */
export interface InspectorMethods {
  queues(): Promise<string[]>;
  queueInfo(queue: string): Promise<QueueInfo>;
  /** `days` newest first, today (UTC) included. */
  history(queue: string, days: number): Promise<DayStats[]>;
  getTask(queue: string, id: string): Promise<TaskDetails>;
  listTasks(options: TaskListOptions): Promise<TaskPage>;
  groups(queue: string): Promise<GroupInfo[]>;
  servers(): Promise<ServerEntry[]>;
  scheduleEntries(): Promise<ScheduleEntryInfo[]>;
  /** Newest first. */
  scheduleEvents(entryId: string, page?: PageOptions): Promise<ScheduleEvent[]>;

  /** Makes scheduled, retry, archived, completed or aggregating tasks pending now. */
  run(selection: TaskSelection, options?: BulkOptions): Promise<BulkResult>;
  /** Moves waiting tasks to the archive. */
  archive(selection: TaskSelection, options?: BulkOptions): Promise<BulkResult>;
  /** Deletes tasks that are not active, with their unique locks. */
  delete(selection: TaskSelection, options?: BulkOptions): Promise<BulkResult>;
  /** Asks for running tasks to be stopped, without waiting for that; `changed` = so many were running. */
  cancel(selection: TaskSelection, options?: BulkOptions): Promise<BulkResult>;
  pause(queue: string): Promise<void>;
  resume(queue: string): Promise<void>;
  removeQueue(queue: string, options?: RemoveQueueOptions): Promise<BulkResult>;
  close(): Promise<void>;
}
