/** What Threadmill's servers note beside a task, for people to look at: nothing is decided by it. Imports nothing. */

/** How an attempt ended, where the task was kept. */
export type AttemptOutcome = 'ok' | 'retry' | 'archived' | 'revoked' | 'requeued';

/** One attempt of a task, as Threadmill's servers note it (asynq's do not). Instants by Redis's clock. */
export interface AttemptRecord {
  /** Not known of an attempt whose server died within the first second: then it equals `endedAt`. */
  readonly startedAt: Date;
  /** Of an attempt whose server died: when that was found. */
  readonly endedAt: Date;
  readonly durationMs: number;
  /** `ok`, or how it ended otherwise. */
  readonly outcome: AttemptOutcome;
  /** Text of the error, cut. */
  readonly error?: string;
  /** `host:pid:uuid` of the server; `?` for a host that is not known. */
  readonly server: string;
  /** Number of the thread within its server. */
  readonly thread?: number;
}

/** A log line of a handler. */
export interface TaskLogLine {
  /** By the server's clock. */
  readonly at: Date;
  readonly level: string;
  /** The message, and its fields as JSON; cut. */
  readonly text: string;
}

/** What Threadmill's servers keep beside a task, beyond asynq's data; empty for a task that only Go servers ran. */
export interface TaskRecords {
  /** The last ten, oldest first. */
  readonly attempts: readonly AttemptRecord[];
  /** The last value given to `ctx.progress` in the present or last attempt; a few seconds old while it runs. */
  readonly progress?: unknown;
  /** The last log lines of the present or last attempt, at most twenty; those that the server's log level lets through. */
  readonly logs: readonly TaskLogLine[];
  /** How long the successful run of a completed task took, in milliseconds. */
  readonly runMs?: number;
}
