/** What a contender can be asked. Each implements the parts that it has. */
import type { Stopwatch, Timing } from '../stopwatch.ts';
import type { JobData, JobType } from '../work/jobs.ts';

/** Tasks that wait in full before the runtime starts. */
export interface Backlog {
  readonly type: JobType;
  readonly data: JobData;
  readonly count: number;
  /** How many of them are settled before the time begins; at least 1. Threads are new, and their code is cold. */
  readonly warmUp: number;
  /** Tasks that run at once. */
  readonly concurrency: number;
  /** Tasks that share a thread, where the contender knows such a thing. Divides `concurrency`. */
  readonly tasksPerThread: number;
  /** Most tasks of one message to a thread, where the contender can be told; default: its own choice. */
  readonly tasksPerMessage?: number;
}

/** Works off a backlog. */
export interface Drains {
  readonly name: string;
  /** Stores the backlog, starts the runtime, times it from the end of the warm-up to the last task, shuts it down. */
  drain(backlog: Backlog): Promise<Timing>;
}

/** Enqueues. */
export interface Enqueues {
  readonly name: string;
  /** A producer on a queue of its own that nobody serves. */
  openProducer(): Promise<Producer>;
}

/** One open producer. */
export interface Producer {
  /** Enqueues one task; resolves when it is stored. */
  one(): Promise<void>;
  /** Enqueues so many with the call that is made for many. Rejects unless all are stored. */
  many(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Waits for tasks. */
export interface PicksUp {
  readonly name: string;
  /** A started runtime without work. */
  openIdle(concurrency: number): Promise<IdleRuntime>;
}

/** One idle runtime. */
export interface IdleRuntime {
  /**
   * Enqueues a `stamp` job; resolves when it is stored, which may be after it began, with the instant at which the call
   * was made, as `nowMs` tells it.
   */
  enqueueStamp(): Promise<number>;
  /** Rejects when the runtime reports a failure. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

/** Runs `work` with an open runtime; closes it whatever happens, and resolves with the timing. */
export async function timed(stopwatch: Stopwatch, close: () => Promise<void>): Promise<Timing> {
  try {
    return await stopwatch.done;
  } finally {
    await close();
  }
}
