/**
 * Stops tasks that use more memory than `maxTaskMemoryMb`, before V8's own limit would end the whole process: a heap limit
 * of a thread is no wall, and Buffers are not counted in it at all.
 */
import {
  judgeProcess,
  judgeThreads,
  type MemoryRun,
  type MemoryVerdict,
} from '../policy/memory-limit.ts';
import type { ThreadMemory, ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the watch works with. */
export interface MemoryWatchOptions {
  readonly active: Pick<ActiveTasks, 'get' | 'inSlots'>;
  readonly pool: Pick<ThreadPool, 'memory' | 'runsOf' | 'threads' | 'total'>;
  readonly stopper: Pick<Stopper, 'stop' | 'suspect'>;
  readonly emitter: ServerEmitter;
  /** Absent: nothing is watched. */
  readonly maxTaskMemoryMb?: number;
}

const LOOK_EVERY_MS = 500;
const BYTES_PER_MB = 1_048_576;
/** Number of the first run of a process. */
const FIRST_RUN = 1;

/** The service; to be started when the threads have. */
export function memoryWatch(options: MemoryWatchOptions): Service {
  const { maxTaskMemoryMb, emitter } = options;
  const name = 'memory watch';
  if (maxTaskMemoryMb === undefined) {
    return { name, start: () => undefined, stop: () => undefined };
  }
  const watch = new MemoryWatch(options, maxTaskMemoryMb * BYTES_PER_MB);
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  return every({
    name,
    intervalMs: LOOK_EVERY_MS,
    isImmediate: true,
    run: () => watch.look(),
    onFault,
  });
}

class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #limitBytes: number;
  /** Memory of the process when nothing ran. */
  #idleBytes = 0;
  /** Runs of a process that was over its limit at the last look. */
  #overBefore: readonly number[] = [];

  constructor(options: MemoryWatchOptions, limitBytes: number) {
    this.#options = options;
    this.#limitBytes = limitBytes;
  }

  async look(): Promise<void> {
    const { active, pool, stopper } = this.#options;
    const threads = await pool.memory();
    const verdict = threads === undefined ? this.#judgeProcess() : this.#judgeThreads(threads);
    for (const task of running(active, verdict.stop)) stopper.stop(task, 'memory');
    stopper.suspect(running(active, verdict.suspect).filter(({ stop }) => stop === undefined));
  }

  #judgeThreads(threads: readonly ThreadMemory[]): MemoryVerdict {
    const { active, pool } = this.#options;
    const runsDone = new Map(pool.threads().map((each) => [each.threadId, each.runsDone]));
    const uses = threads.map(({ threadId, bytes }) => ({
      bytes,
      runs: describe(running(active, pool.runsOf(threadId))),
      isFresh: runsDone.get(threadId) === 0,
    }));
    return judgeThreads(uses, this.#limitBytes);
  }

  /**
   * A thread that has just ended gives its memory back a little later, so that only what is over the limit at two looks
   * counts; and what stays when nothing runs is nobody's.
   */
  #judgeProcess(): MemoryVerdict {
    const { active, pool } = this.#options;
    const rssBytes = process.memoryUsage.rss();
    const tasks = running(
      active,
      active.inSlots().map(({ run }) => run),
    );
    if (tasks.length === 0) this.#idleBytes = rssBytes;
    const runs = describe(tasks);
    const isFresh = runs.every(({ run }) => run === FIRST_RUN);
    const use = { rssBytes, idleBytes: this.#idleBytes, threads: pool.total, runs, isFresh };
    const { stop, suspect } = judgeProcess(use, this.#limitBytes);
    const wasOver = (run: number): boolean => this.#overBefore.includes(run);
    const verdict = { stop: stop.filter(wasOver), suspect: suspect.filter(wasOver) };
    this.#overBefore = [...stop, ...suspect];
    return verdict;
  }
}

function describe(tasks: readonly ActiveTask[]): MemoryRun[] {
  return tasks.map(({ run, isSuspect }) => ({ run, isSuspect }));
}

/** Those that still run and are not being ended already. */
function running(active: Pick<ActiveTasks, 'get'>, runs: readonly number[]): ActiveTask[] {
  return runs
    .flatMap((run) => active.get(run) ?? [])
    .filter(({ phase, isSuspected }) => phase === 'running' && !isSuspected);
}
