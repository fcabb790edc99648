/** What is read of queues, tasks, servers and schedulers. */
import type { TaskState } from '../../task.ts';
import type { StoredRecords } from '../../wire/task-records.ts';

/** What `GET /metrics` and the inspector read of one queue (protocol 13.2). */
export interface QueueInfo {
  readonly queue: string;
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly size: number;
  /** Age of the task that is next in pending, in milliseconds; 0 where nobody wrote that down. */
  readonly latencyMs: number;
  /** Estimated from samples. */
  readonly memoryBytes: number;
  /** Groups with waiting tasks. */
  readonly groups: number;
  /** Attempts of this UTC day, failures included. */
  readonly processedToday: number;
  readonly failedToday: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  readonly isPaused: boolean;
  /** When this was read, by Redis's clock. */
  readonly takenAt: Date;
}

/** Counters of one UTC day. */
export interface DayCounts {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Failures included. */
  readonly processed: number;
  readonly failed: number;
}

/** A group and how many tasks wait in it. */
export interface GroupSize {
  readonly name: string;
  readonly size: number;
}

/** A raw task as `getTask` reads it. */
export interface StoredTask {
  readonly message: Uint8Array;
  readonly state: string;
  readonly result?: Uint8Array;
  /** Milliseconds since 1970, for scheduled and retry. */
  readonly dueAt?: number;
  /** What Threadmill's servers keep beside it: to be read by `decodeRecords`. */
  readonly records?: StoredRecords;
  readonly group?: string;
  readonly uniqueKey?: string;
}

/** Where tasks of one state are kept. `group` names the group of `aggregating` ones. */
export interface TaskPlace {
  readonly queue: string;
  readonly state: TaskState;
  readonly group?: string | undefined;
}

/** An entry of such a place. */
export interface PlacedId {
  readonly id: string;
  /** The score that the entry has there, or that of its lease (active), in seconds; pending tasks have none. */
  readonly score: number | undefined;
}

/** A range of entries, in asynq's order. */
export interface PlacedIds {
  readonly total: number;
  /** Redis's clock, in milliseconds since 1970. */
  readonly now: number;
  readonly entries: readonly PlacedId[];
}

/** What stands in the hash of a listed task. */
export interface TaskBody {
  readonly message: Uint8Array;
  readonly result?: Uint8Array;
  /** When it became pending, in milliseconds since 1970. */
  readonly pendingSince?: number;
}

/** The entries of a server, as bytes. */
export interface ServerBytes {
  readonly infos: readonly Uint8Array[];
  readonly workers: readonly Uint8Array[];
}

/** The inspecting part of the broker: changes nothing but to prune entries of servers and schedulers that are gone. */
export interface InspectingCalls {
  queues(): Promise<string[]>;
  /** Whether anybody has enqueued into it since it was removed last. */
  hasQueue(queue: string): Promise<boolean>;
  /** Figures of a queue; one that does not exist reads as an empty one. */
  queueInfo(queue: string): Promise<QueueInfo>;
  /** Newest first, today included. */
  history(queue: string, days: number): Promise<DayCounts[]>;
  /** Groups that have waiting tasks, by name. */
  groupSizes(queue: string): Promise<GroupSize[]>;

  getTask(queue: string, taskId: string): Promise<StoredTask | undefined>;
  /** Entries `start` to `start + count - 1` of a place. */
  listIds(place: TaskPlace, start: number, count: number): Promise<PlacedIds>;
  /** The bodies of tasks, in order, with their results or without; `undefined` for one that is gone. Large ones are read one by one. */
  readTasks(
    queue: string,
    ids: readonly string[],
    hasResults: boolean,
  ): Promise<(TaskBody | undefined)[]>;

  servers(): Promise<ServerBytes>;
  /** `SchedulerEntry`s of all living schedulers. */
  scheduleEntries(): Promise<Uint8Array[]>;
  /** `SchedulerEnqueueEvent`s of an entry, newest first. */
  scheduleEvents(entryId: string, start: number, count: number): Promise<Uint8Array[]>;
}
