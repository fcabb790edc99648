/**
 * The vocabulary of tasks. A *task* is what a producer enqueues; each time a thread works on it is a *run* (attempt).
 *
 *     enqueue -> pending -> active -> (gone) | completed | retry | archived
 *             \-> scheduled -^ ^------------------------------'
 *
 * States and their names are those of asynq (protocol, section 3.2). This file imports nothing.
 */

/** Where a task is, as Redis names it. `aggregating` tasks wait in a group. */
export type TaskState =
  | 'active'
  | 'pending'
  | 'scheduled'
  | 'retry'
  | 'archived'
  | 'completed'
  | 'aggregating';

/** Milliseconds as a number, or text with units: `"500ms"`, `"30s"`, `"1h30m"`. */
export type Duration = number | string;

/** String metadata that travels with a task (asynq 0.26 and later). */
export type Headers = Readonly<Record<string, string>>;

/** What a producer hands in. */
export interface NewTask<Payload = unknown> {
  /** The task type: chooses the handler. Not blank. */
  readonly type: string;
  /**
   * `Uint8Array` and strings are stored as they are (strings in UTF-8), `undefined` as no payload, anything else as
   * JSON.
   */
  readonly payload?: Payload;
  readonly headers?: Headers;
}

/** How a task is enqueued. Durations in milliseconds or as text; seconds on the wire, rounded up. */
export interface EnqueueOptions {
  /** Queue name. Default `default`. */
  readonly queue?: string;
  /** Retries after the first failure. Default 25; `Infinity` (2147483647 on the wire) retries for ever. */
  readonly maxRetry?: number;
  /** Longest run time of one attempt. Default 30 minutes unless a deadline is given; 0 = none beside a deadline. */
  readonly timeout?: Duration;
  /** Instant after which the task fails instead of running: a Date or milliseconds since 1970. */
  readonly deadline?: Date | number;
  /** Not before this instant: a Date or milliseconds since 1970. In the past = at once. */
  readonly processAt?: Date | number;
  /** Not before this much time has passed, by Redis's clock. Not together with `processAt`. */
  readonly processIn?: Duration;
  /** Unique in its queue as long as the task exists, archived or completed too. Default: a random UUID. */
  readonly taskId?: string;
  /**
   * A task with this ID that is archived or completed is deleted in the same step, with its result and its unique lock,
   * and so makes room for this one. In any other state it is a `TaskIdConflictError` all the same. Default false.
   */
  readonly replaceArchived?: boolean;
  /** How long a succeeded task and its result are kept. Default 0: deleted at once. */
  readonly retention?: Duration;
  /**
   * Takes a lock on queue, type and payload bytes: while it is held, another task with this option and the same three is
   * a `DuplicateTaskError`. The lock ends when the task succeeds, is revoked or deleted, and at the latest so long after
   * the task became due; it outlasts retries and the archive. At least 1 s, rounded up to whole seconds. JSON is compared
   * byte by byte; no payload and an empty one differ, as in asynq. Default: no lock.
   */
  readonly uniqueFor?: Duration;
  /**
   * Name of a group of the queue: the task waits there until an aggregator makes one task of the whole group. Not
   * together with `processAt` or `processIn`, as asynq would run such a task by itself. Default: none.
   */
  readonly group?: string;
  /** Added to the task's own headers, over those of the same name (asynq 0.26 and later). */
  readonly headers?: Headers;
}

/** When a task that waits is to become due. Exactly one of the three. */
export type RescheduleWhen =
  | {
      /** Not before this instant: a Date or milliseconds since 1970. In the past = at once. */
      readonly processAt: Date | number;
    }
  | {
      /** Not before this much time has passed, by Redis's clock. 0 = at once. */
      readonly processIn: Duration;
    }
  | {
      /** At once. */
      readonly now: true;
    };

/** A task as it stands in Redis. Instants are Dates, durations milliseconds, both as rounded on the wire. */
export interface TaskInfo {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
  readonly state: TaskState;
  /** `Infinity` when the wire says 2147483647. */
  readonly maxRetry: number;
  readonly retried: number;
  /** Text of the last failure, if any. */
  readonly lastError?: string;
  readonly lastFailedAt?: Date;
  /** Milliseconds; 0 = no timeout. */
  readonly timeout: number;
  readonly deadline?: Date;
  /** When a scheduled or retried task becomes due. */
  readonly nextProcessAt?: Date;
  /** Milliseconds; 0 = not kept after success. */
  readonly retention: number;
  readonly completedAt?: Date;
  /** Name of the group that it was enqueued into. */
  readonly group?: string;
  /** What the handler returned or set; only while the hash exists. */
  readonly result?: Uint8Array;
  /** The last value given to `ctx.progress` in the present or last attempt; a few seconds old while it runs. */
  readonly progress?: unknown;
}

/** What names one task in events and logs. No payload: that may be secret or large. */
export interface TaskRef {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  /** Failures so far, before this attempt. */
  readonly retried: number;
  readonly maxRetry: number;
}

/** What names a group in events and logs. */
export interface GroupRef {
  readonly queue: string;
  readonly name: string;
}

/** `maxRetry` on the wire for "for ever": the largest int32. */
export const MAX_RETRY_FOREVER = 2_147_483_647;
/** Retries when nobody says otherwise, as in asynq. */
export const DEFAULT_MAX_RETRY = 25;
/** Timeout in milliseconds when neither timeout nor deadline is given, as in asynq. */
export const DEFAULT_TIMEOUT_MS = 1_800_000;
/** Queue when none is given. */
export const DEFAULT_QUEUE = 'default';
/** Largest payload or result in bytes unless configured otherwise: 16 MiB. */
export const DEFAULT_MAX_PAYLOAD_SIZE = 16_777_216;
/** Tasks of a group that are aggregated at once, at most. */
export const MAX_GROUP_SIZE = 10_000;
/** Type given to a message that could not be read, when it is archived. */
export const UNDECODABLE_TYPE = 'threadmill:undecodable';
