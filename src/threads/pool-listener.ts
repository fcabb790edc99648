/** What the thread pool tells of its threads. */
import type { EnqueueItem, LogLine, SerializedError, TaskOutcome, ToThread } from './messages.ts';

/** Whom the pool tells what its threads say. Every run handed over ends in exactly one `onOutcome` or `onDied`. */
export interface PoolListener {
  onBegun(run: number, threadId: number, atWallMs: number): void;
  onProgress(run: number, value: unknown): void;
  onLog(lines: readonly LogLine[], threadId: number): void;
  onEnqueue(request: EnqueueFromThread): void;
  onOutcome(run: number, outcome: TaskOutcome): void;
  /** The thread ended before the run did. `wasTerminated`: by `terminate`, not by itself. */
  onDied(run: number, error: Error, wasTerminated: boolean): void;
  onUncaught(run: number, error: SerializedError, threadId: number): void;
  onThreadExit(threadId: number): void;
  onFault(where: string, error: unknown): void;
}

/** Tasks that a handler enqueues. */
export interface EnqueueFromThread {
  readonly run: number;
  readonly items: readonly EnqueueItem[];
  /** Answers the thread; does nothing when it has ended. */
  reply(answers: Extract<ToThread, { kind: 'enqueued' }>['answers']): void;
}
