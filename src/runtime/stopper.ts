/**
 * The one path on which a running task is stopped, whatever the reason: told by port and shared memory, given
 * `cancelGrace` to end by itself, then its thread is terminated and replaced. The slot is free only when the code has
 * really stopped.
 */
import type { StopReason } from '../threads/messages.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';

/** What the stopper works with. */
export interface StopperOptions {
  readonly active: Pick<ActiveTasks, 'get'>;
  readonly pool: Pick<ThreadPool, 'stop' | 'terminate'>;
  readonly emitter: ServerEmitter;
  readonly cancelGraceMs: number;
}

/** Stops runs. A second reason for the same run is ignored: the first one is what the handler was told. */
export class Stopper {
  readonly #options: StopperOptions;

  constructor(options: StopperOptions) {
    this.#options = options;
  }

  /** Begins to stop the task. A task that no thread has begun is told at its beginning. */
  stop(task: ActiveTask, reason: StopReason): void {
    if (task.stop !== undefined || task.phase === 'settling') return;
    task.stop = reason;
    this.#options.emitter.emit('stopping', { task: task.ref, reason });
    if (task.phase === 'running') this.#tell(task, reason);
  }

  /** To be called when a thread begins a run: hands over a stop that came earlier. */
  onBegun(task: ActiveTask): void {
    if (task.stop !== undefined) this.#tell(task, task.stop);
  }

  #tell(task: ActiveTask, reason: StopReason): void {
    this.#options.pool.stop(task.run, reason);
    const timer = setTimeout(() => this.#terminate(task), this.#options.cancelGraceMs);
    timer.unref();
  }

  #terminate(task: ActiveTask): void {
    const current = this.#options.active.get(task.run);
    if (current === undefined || current.phase === 'settling') return;
    this.#options.pool
      .terminate(task.run)
      .catch((error: unknown) => this.#options.emitter.fault('terminate', error));
  }
}
