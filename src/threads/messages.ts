/**
 * All that crosses the thread border, plain data only. Two ways: one control port per thread carries tasks to it, several
 * in a message (threads/task-batch), and what is said, in order; and the board, shared memory, says of each task in the
 * thread's hands how far it is.
 * One ordered port matters: a task's log lines and progress arrive before its outcome, and an outcome posted before a
 * crash is still read after it. What stands on the board is read after it, too.
 */
import type { SerializedError } from '../serialize-error.ts';
import type { Duration, EnqueueOptions, Headers } from '../task.ts';
import type { TaskBatch } from './task-batch.ts';

export type { SerializedError } from '../serialize-error.ts';

/** Which module runs a task, as found at start; never derived from data in Redis. */
export interface HandlerRef {
  /** `file:` URL of the module. */
  readonly url: string;
  /** The pattern under which the module is registered, for messages. */
  readonly pattern: string;
}

/** One task on its way into a thread. Its payload owns its memory, or lies in shared memory until the thread begins it. */
export interface TaskEnvelope {
  /** Number of this execution, unique in the process: what a stop names. Positive, fits an int32. */
  readonly run: number;
  readonly handler: HandlerRef;
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
  readonly retried: number;
  readonly maxRetry: number;
  /** Milliseconds since 1970 after which this attempt is stopped. */
  readonly deadline?: number;
  /** Whether a result will be stored: without a retention it is not even encoded. */
  readonly keepsResult: boolean;
  /** Set for a run of an aggregate function: `payload` then holds those of all the group's tasks, one after the other. */
  readonly group?: GroupParcel;
}

/** The tasks of a group as lists in the same order: many small objects would cost ten times as much to clone. */
export interface GroupParcel {
  readonly name: string;
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** Where the payload of each ends. */
  readonly ends: Uint32Array;
  /** Of those that have any, by place. */
  readonly headers: ReadonlyMap<number, Headers>;
}

/** Why a running task is stopped. Each is a metric label and has its own error text (policy/stop-reason). */
export type StopReason =
  | 'canceled'
  | 'timeout'
  | 'deadline'
  | 'lease_lost'
  | 'heartbeat_missed'
  | 'memory'
  | 'shutdown';

/** What a thrown value asks for. */
export type Verdict = 'failure' | 'skip_retry' | 'revoke' | 'retry_later' | 'invalid_payload';

/**
 * What an attempt failed of, beyond an ordinary throw; a metric label. `not_serializable`: a result that cannot be
 * encoded; `uncaught`: an error nobody caught, or a promise nobody awaited; `exit`: `process.exit` in a handler.
 */
export type FailureKind = 'error' | 'not_serializable' | 'uncaught' | 'exit';

/** How a run ended, told by the thread itself. `runMs` is measured there by its monotonic clock. */
export type TaskOutcome =
  | {
      readonly kind: 'returned';
      readonly runMs: number;
      readonly result?: Uint8Array;
      /** What an aggregate function returned; absent when the tasks are to be deleted without a new one. */
      readonly task?: EnqueueItem;
    }
  | {
      readonly kind: 'threw';
      readonly runMs: number;
      readonly verdict: Verdict;
      readonly failure: FailureKind;
      readonly error: SerializedError;
      /** Answer of the handler's own `isFailure`, given on the real error in the thread. */
      readonly isFailure?: boolean;
      /** Answer of the handler's own `retryDelay`, or the delay of `RetryLater`. */
      readonly retryDelay?: Duration;
    };

/** Levels as pino names them. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One log line of a handler. */
export interface LogLine {
  /** 0 when it belongs to no run (printed after the task ended). */
  readonly run: number;
  readonly level: LogLevel;
  readonly message: string;
  /** JSON text of an object of extra fields, made in the thread so that the main thread need not walk it. */
  readonly fields?: string;
  /** Where it came from: `ctx.log`, or `console` in a handler. */
  readonly source: 'log' | 'console';
}

/** One task that a handler enqueues through the main thread's client; the payload is encoded already. */
export interface EnqueueItem {
  readonly type: string;
  readonly payload?: Uint8Array;
  readonly headers?: Headers;
  readonly options?: EnqueueOptions;
}

/** Answer to one `EnqueueItem`. `info` is plain data (`TaskInfo`). */
export type EnqueueAnswer =
  | { readonly ok: true; readonly info: unknown }
  | { readonly ok: false; readonly error: SerializedError };

/** Posted once through `parentPort` when a thread has loaded the entry module; the pool sees it as `message`. */
export interface ThreadHello {
  readonly kind: 'threadmill:hello';
  readonly threadId: number;
  readonly port: import('node:worker_threads').MessagePort;
  /** The thread's board, see `Board`. */
  readonly board: SharedArrayBuffer;
}

/** Thread -> main, through the control port. */
export type FromThread =
  /** Something on the board is new: runs have ended. */
  | { readonly kind: 'look' }
  | { readonly kind: 'progress'; readonly run: number; readonly value: unknown }
  | { readonly kind: 'log'; readonly lines: readonly LogLine[] }
  | {
      readonly kind: 'enqueue';
      readonly call: number;
      readonly run: number;
      readonly items: readonly EnqueueItem[];
    }
  | { readonly kind: 'outcome'; readonly run: number; readonly outcome: TaskOutcome }
  /** A process that a handler started (`run` 0 = outside of any run), and its end. They end with their thread. */
  | { readonly kind: 'spawned'; readonly run: number; readonly pid: number }
  | { readonly kind: 'exited'; readonly pid: number }
  /**
   * The thread is about to end because of what the code of `run` (0 = unknown) did: an uncaught error, after which its
   * other runs may finish first, or `process.exit`, after which they cannot. Posted after the run's outcome.
   */
  | {
      readonly kind: 'doomed';
      readonly by: 'uncaught' | 'exit';
      readonly run: number;
      /** The task of that run. `isOver`: its outcome had been posted before; then this is a late error of it. */
      readonly task?: {
        readonly id: string;
        readonly type: string;
        readonly queue: string;
        readonly isOver: boolean;
      };
      readonly error: SerializedError;
    };

/** Main -> thread, through the control port. */
export type ToThread =
  | { readonly kind: 'tasks'; readonly batch: TaskBatch }
  | { readonly kind: 'stop'; readonly run: number; readonly reason: StopReason }
  | {
      readonly kind: 'enqueued';
      readonly call: number;
      readonly answers: readonly EnqueueAnswer[];
    };

/**
 * The board: shared memory of one thread, an Int32Array with `PLACE_CELLS` cells for each run that may be in its hands.
 * Main gives each run its place when it hands it over. Cells of a place:
 *
 * - `STATE`: the run = handed over; minus the run = begun; 0 = not here any more. Main hands over; whoever first replaces
 *   the number, atomically, has the run: the thread begins it (minus), or main withdraws it (0). A plain success that
 *   said nothing ends here too, as 0, and costs no message.
 * - `STOP`: the run that main wants stopped. Seen by code that never yields, at the price of one `Atomics.load`; a late
 *   stop cannot hit the next run: the numbers differ.
 * - `BEATS`: signs of life, `ctx.heartbeat()` and `ctx.progress()`; so they cost no message.
 * - `BEGAN_AT`: when it began, in milliseconds since 1970, the lower 31 bits.
 * - `RAN_FOR`: how long a plain success took, in microseconds.
 * - `JOURNAL`: one more than the slot of its record in the journal, or 0. Here and not in the message: a thread may hold an
 *   earlier message of a run that was taken back and has come again to the same place, while the slot is another run's.
 *
 * The board outlives its thread: what stands on it counts, however the thread ended.
 */
export const PLACE_CELLS = 6;
export const STATE = 0;
export const STOP = 1;
export const BEATS = 2;
export const BEGAN_AT = 3;
export const RAN_FOR = 4;
export const JOURNAL = 5;

/** Runs that a thread may be given beyond those it runs at once. */
export const MAX_AHEAD = 128;

/** Places on the board of a thread that runs so many tasks at once. */
export function placesFor(tasksPerThread: number): number {
  return tasksPerThread + MAX_AHEAD;
}

/**
 * The last three cells of a board are of the whole thread: when main last looked after the leases (threads/process-clock,
 * written by main; 0 = nobody does), whether the thread is about to be terminated, so that it starts no process any more
 * (written by main), and whether it is starting one, whose number it has not told yet (written by the thread). Of the last
 * two each side writes its own before it reads the other's.
 */
export const BOARD_THREAD_CELLS = 3;

/**
 * A thread begins nothing when main has not looked after the leases for so long: when the whole process was frozen, what
 * lies ahead in the thread may run elsewhere by now, and main has not come to take it back. At main's look no lease had
 * less left than the margin of the fence (policy/fence), which is not shorter than this.
 */
export const MAIN_AWAY_MS = 1_000;

/** What the throw-away thread reports about one handler module. */
export interface HandlerReport {
  readonly file: string;
  readonly url: string;
  /** Of task types; of group names where it is an aggregator. */
  readonly pattern: string;
  readonly isAggregator?: true;
  /** Upper bounds declared by the handler. */
  readonly timeout?: Duration;
  readonly retries?: number;
  /** Its own time to end after a stop, instead of the server's. */
  readonly cancelGrace?: Duration;
  /** A run that gives no sign of life for so long is stopped. */
  readonly heartbeat?: Duration;
  /** Whether the module answers these itself, in its thread. */
  readonly hasSchema: boolean;
}

/** Answer of the throw-away thread: every module, or the first that cannot be used. */
export type ScanReport =
  | { readonly ok: true; readonly handlers: readonly HandlerReport[] }
  | { readonly ok: false; readonly file: string; readonly reason: string };

/** One module to load in the throw-away thread. */
export interface ScanFile {
  readonly file: string;
  readonly url: string;
  /** The pattern its path gives it (`image:resize`), used when the module names none. */
  readonly pathPattern: string;
}

/** `workerData` of the throw-away thread. */
export interface ScanRequest {
  readonly files: readonly ScanFile[];
  /** Middleware modules, loaded only to see that they load. */
  readonly middleware: readonly Pick<ScanFile, 'file' | 'url'>[];
}

/** What the throw-away thread says: which module comes next, at last its report. */
export type ScanMessage = { readonly loading: string } | ScanReport;

/** `workerData` of every pool thread. */
export interface ThreadSettings {
  /** `file:` URLs of middleware modules, outermost first. */
  readonly middleware: readonly string[];
  readonly tasksPerThread: number;
  /** Largest result in bytes. */
  readonly maxResultSize: number;
  /** Log lines below this level are not sent. */
  readonly logLevel: LogLevel | 'silent';
  /** File descriptor of the journal, inherited by the whole process; absent without a supervisor. */
  readonly journalFd?: number;
}
