/** What the thread pool tells of its threads. */
import type { EnqueueItem, FromThread, LogLine, TaskOutcome, ToThread } from './messages.ts';

/** Whom the pool tells what its threads say. Every run handed over ends in exactly one `onOutcome` or `onDied`. */
export interface PoolListener {
  /** Comes up to 40 ms after the beginning (`BoardWatch`); not at all for a run that ended before, see `onOutcome`. */
  onBegun(run: number, threadId: number, atWallMs: number): void;
  onProgress(run: number, value: unknown): void;
  onLog(lines: readonly LogLine[], threadId: number): void;
  onEnqueue(request: EnqueueFromThread): void;
  /** `begun`: of a run that was so short that `onBegun` did not come. */
  onOutcome(run: number, outcome: TaskOutcome, begun?: Begun): void;
  /** The thread ended before the run did. */
  onDied(run: number, death: Death): void;
  /** What a run's code did that ends its thread; the run's own outcome has been told before. */
  onDoomed(doom: Doom, threadId: number): void;
  onThreadExit(threadId: number): void;
  onFault(where: string, error: unknown): void;
}

/** Where and when a run began, in milliseconds since 1970. */
export interface Begun {
  readonly threadId: number;
  readonly atWallMs: number;
}

/** Why a thread is about to end. */
export type Doom = Extract<FromThread, { kind: 'doomed' }>;

/**
 * The end of a thread, as one run on it met it:
 *
 * - `not_begun`: handed over, but the thread had not begun it;
 * - `terminated`: the thread was ended by `terminate`, for this run or another;
 * - `bystander`: another run ended the thread (`process.exit`, an uncaught error);
 * - `alone`: the thread died by itself, of nothing else than this run;
 * - `together`: it died by itself while it ran several; nobody knows of which.
 */
export interface Death {
  readonly kind: 'not_begun' | 'terminated' | 'bystander' | 'alone' | 'together';
  readonly error: Error;
  /** The thread's heap was full. */
  readonly isOutOfMemory: boolean;
}

/** Tasks that a handler enqueues. */
export interface EnqueueFromThread {
  readonly run: number;
  readonly items: readonly EnqueueItem[];
  /** Answers the thread; does nothing when it has ended. */
  reply(answers: Extract<ToThread, { kind: 'enqueued' }>['answers']): void;
}
