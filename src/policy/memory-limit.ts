/** Decides which runs use too much memory. */

/** A run that has begun. */
export interface MemoryRun {
  readonly run: number;
  /** It runs with nothing beside it, because it was suspected before. */
  readonly isSuspect: boolean;
}

/** One thread with the memory it holds, heap and Buffers together, garbage included. */
export interface ThreadUse {
  readonly bytes: number;
  readonly runs: readonly MemoryRun[];
  /** It has run nothing else before: all that it holds is of these runs. */
  readonly isFresh: boolean;
}

/** `stop`: over the limit by itself. `suspect`: nobody knows whether it was this run, or which. */
export interface MemoryVerdict {
  readonly stop: readonly number[];
  readonly suspect: readonly number[];
}

const NOBODY: MemoryVerdict = { stop: [], suspect: [] };

/** Where each thread's memory is known (Node 22.16 and later). */
export function judgeThreads(threads: readonly ThreadUse[], limitBytes: number): MemoryVerdict {
  const verdicts = threads
    .filter(({ bytes }) => bytes > limitBytes)
    .map(({ runs, isFresh }) => blame(runs, isFresh));
  return {
    stop: verdicts.flatMap(({ stop }) => stop),
    suspect: verdicts.flatMap(({ suspect }) => suspect),
  };
}

/** The memory of a whole process, where nothing finer is known (Node 20). */
export interface ProcessUse {
  readonly rssBytes: number;
  /** What it was when its threads had started and nothing had run. */
  readonly idleBytes: number;
  readonly threads: number;
  readonly runs: readonly MemoryRun[];
  /** It has run nothing else before. */
  readonly isFresh: boolean;
}

/**
 * Each thread may hold its limit, also after a task: freed memory goes back to the system late or never. Only when the
 * process has grown beyond that is it certain that a thread is over.
 */
export function judgeProcess(use: ProcessUse, limitBytes: number): MemoryVerdict {
  const { rssBytes, idleBytes, threads, runs, isFresh } = use;
  return rssBytes - idleBytes <= limitBytes * threads ? NOBODY : blame(runs, isFresh);
}

/**
 * What earlier tasks have left behind is no fault of this one. A suspect is stopped all the same: it has had its second
 * chance, or it would have one for ever.
 */
function blame(runs: readonly MemoryRun[], isFresh: boolean): MemoryVerdict {
  const [first, ...others] = runs;
  if (first === undefined) return NOBODY;
  if (others.length === 0 && (isFresh || first.isSuspect))
    return { stop: [first.run], suspect: [] };
  return { stop: [], suspect: runs.map(({ run }) => run) };
}
