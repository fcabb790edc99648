import type { FailureKind, TaskOutcome } from './messages.ts';
import type { Death, Doom } from './pool-listener.ts';

/** How a thread ended, and what it had not finished. */
export interface ThreadEnd {
  readonly error: Error;
  /** Runs that the thread had begun and whose outcome it did not tell, by its board and by what it said. */
  readonly begun: ReadonlySet<number>;
  readonly wasTerminated: boolean;
  /** The last thing it said that ends a thread. */
  readonly doom: Pick<Doom, 'run'> | undefined;
}

/** Node's code for a thread whose heap reached its limit. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

/** The end of the thread as this run met it. */
export function deathOf(run: number, end: ThreadEnd): Death {
  const { error } = end;
  const isOutOfMemory = (error as { code?: unknown }).code === OUT_OF_MEMORY;
  return { kind: kindOf(run, end, isOutOfMemory), error, isOutOfMemory };
}

function kindOf(run: number, end: ThreadEnd, isOutOfMemory: boolean): Death['kind'] {
  if (!end.begun.has(run)) return 'not_begun';
  if (end.wasTerminated) return 'terminated';
  // A doomed thread lets its other runs finish: if its heap is full then, one of these filled it.
  const culprit = isOutOfMemory ? 0 : (end.doom?.run ?? 0);
  if (culprit === run) return 'alone';
  // Doomed by code of no known run, nobody can be acquitted: the thread died by itself.
  if (culprit !== 0) return 'bystander';
  return end.begun.size === 1 ? 'alone' : 'together';
}

/** What was taken for the outcome of a run whose handler has not returned. */
const ENDS_THREAD: ReadonlySet<FailureKind> = new Set(['uncaught', 'exit']);

/** Whether the thread ends after this outcome. */
export function endsThread(outcome: TaskOutcome): boolean {
  return outcome.kind === 'threw' && ENDS_THREAD.has(outcome.failure);
}
