/**
 * The one path on which a task is stopped, whatever the reason, in four steps: its run is told by port and shared
 * memory; it has a grace to end by itself; then its thread is terminated and replaced; a thread that is not gone a second
 * later is stuck in a call that V8 cannot interrupt. The slot is free only when the code has really stopped.
 */
import type { Clock } from '../clock.ts';
import { fenceGraceMs, fenceStuckMs } from '../policy/fence.ts';
import type { StopReason } from '../threads/messages.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Finisher } from './finisher.ts';

/** What the stopper works with. */
export interface StopperOptions {
  readonly active: Pick<ActiveTasks, 'get' | 'declareStuck'>;
  readonly pool: Pick<ThreadPool, 'stop' | 'terminate'>;
  readonly finisher: Pick<Finisher, 'finishUnbegun'>;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  readonly cancelGraceMs: number;
  /** Takes a task back that is not on its way to a thread yet; `false` when it is. */
  withdraw(task: ActiveTask): boolean;
}

/** A thread is stuck when it lives so long after its termination. */
const STUCK_AFTER_MS = 1_000;

/** Reasons that shorten the grace of a run that is being stopped already. */
const HARDER: ReadonlySet<StopReason> = new Set(['shutdown', 'lease_lost']);

/** Stops runs. A second reason for the same run is ignored: the first one is what the handler was told. */
export class Stopper {
  readonly #options: StopperOptions;

  constructor(options: StopperOptions) {
    this.#options = options;
  }

  /**
   * Begins to stop the task. One that waits in the pool's line ends at once; one on its way to a thread is told at its
   * beginning. At shutdown a handler's own grace is cut to the server's, or the shutdown would take longer than it may.
   */
  stop(task: ActiveTask, reason: StopReason): void {
    if (task.phase === 'settling') return;
    if (task.stop === undefined) {
      task.stop = reason;
      this.#options.emitter.emit('stopping', { task: task.ref, reason });
      if (task.phase === 'running') this.#tell(task, reason);
      else this.#stopWaiting(task);
    } else if (task.phase === 'running' && task.stop !== 'lease_lost' && HARDER.has(reason)) {
      if (reason === 'lease_lost') task.stop = reason; // whatever it answers now is not ours to write
      this.#terminateAfter(task, this.#graceMs(task, reason));
    }
  }

  /**
   * Stops the task unless a thread has begun it, also where nobody has heard of that yet: such a run is left alone, and is
   * to be stopped like all that run.
   */
  stopUnbegun(task: ActiveTask, reason: StopReason): void {
    if (task.phase !== 'waiting' || task.stop !== undefined) return;
    if (!task.isOffered && !this.#options.withdraw(task)) return;
    task.stop = reason;
    this.#options.emitter.emit('stopping', { task: task.ref, reason });
    if (!task.isOffered) this.#options.finisher.finishUnbegun(task);
  }

  /** To be called when a thread begins a run: hands over a stop that came earlier. */
  onBegun(task: ActiveTask): void {
    if (task.stop !== undefined) this.#tell(task, task.stop);
  }

  /**
   * Ends the threads of these runs without asking, as one of them did something that nobody can pin on one. Each becomes
   * a suspect.
   */
  suspect(tasks: readonly ActiveTask[]): void {
    for (const task of tasks) task.isSuspected = true;
    for (const task of tasks) this.#terminate(task);
  }

  #stopWaiting(task: ActiveTask): void {
    if (task.isOffered || !this.#options.withdraw(task)) return;
    this.#options.finisher.finishUnbegun(task);
  }

  #tell(task: ActiveTask, reason: StopReason): void {
    this.#options.pool.stop(task.run, reason);
    this.#terminateAfter(task, this.#graceMs(task, reason));
  }

  #graceMs(task: ActiveTask, reason: StopReason): number {
    const { cancelGraceMs } = this.#options;
    const own = task.bounds.cancelGraceMs ?? cancelGraceMs;
    if (reason === 'lease_lost') return fenceGraceMs(this.#leaseLeftMs(task), own);
    return reason === 'shutdown' ? Math.min(own, cancelGraceMs) : own;
  }

  #leaseLeftMs(task: ActiveTask): number {
    return task.leaseEndsMonotonicMs - this.#options.clock.monotonicMs();
  }

  #terminateAfter(task: ActiveTask, graceMs: number): void {
    // At once, not in a timer: a task whose lease is over may run elsewhere.
    if (graceMs <= 0) this.#terminate(task);
    else setTimeout(() => this.#terminate(task), graceMs).unref();
  }

  #terminate(task: ActiveTask): void {
    if (this.#isOver(task)) return;
    const { pool, emitter } = this.#options;
    pool.terminate(task.run).catch((error: unknown) => emitter.fault('terminate', error));
    const isLost = task.stop === 'lease_lost';
    const stuckMs = isLost ? fenceStuckMs(this.#leaseLeftMs(task)) : STUCK_AFTER_MS;
    setTimeout(() => this.declareStuck(task), stuckMs).unref();
  }

  /** Says that the task's thread could not be ended, if it has not been by now. Once per run. */
  declareStuck(task: ActiveTask): void {
    if (task.isStuck || this.#isOver(task)) return;
    const { active, emitter } = this.#options;
    active.declareStuck(task);
    emitter.emit('stuck', { task: task.ref, reason: task.stop ?? 'suspect' });
  }

  #isOver(task: ActiveTask): boolean {
    return task.phase === 'settling' || this.#options.active.get(task.run) !== task;
  }
}
