/**
 * Stops runs that give no sign of life for as long as their handler declared (`heartbeat`). The signs are numbers in
 * shared memory: looking at them costs the handler nothing and works while its thread is busy.
 */
import type { Clock } from '../clock.ts';
import type { ThreadPool } from '../threads/thread-pool.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the watch works with. */
export interface HangWatchOptions {
  readonly active: Pick<ActiveTasks, 'get'>;
  readonly pool: Pick<ThreadPool, 'beats'>;
  readonly stopper: Pick<Stopper, 'stop'>;
  readonly clock: Clock;
}

interface Watched {
  readonly task: ActiveTask;
  readonly limitMs: number;
  beats: number | undefined;
  seenMonotonicMs: number;
}

/** A hang is noticed at most so much of its limit late. */
const LOOKS_PER_LIMIT = 10;
const SHORTEST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 1_000;

/** Watches runs whose handler declares a heartbeat. Without such runs it does nothing at all. */
export class HangWatch implements Service {
  readonly name = 'hang watch';
  readonly #options: HangWatchOptions;
  readonly #watched = new Map<number, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #lookMs = LONGEST_LOOK_MS;

  constructor(options: HangWatchOptions) {
    this.#options = options;
  }

  start(): void {}

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watched.clear();
  }

  /** To be called when a thread has begun a run. */
  watch(task: ActiveTask): void {
    const limitMs = task.bounds.heartbeatMs;
    if (limitMs === undefined) return;
    const seenMonotonicMs = this.#options.clock.monotonicMs();
    const beats = this.#options.pool.beats(task.run);
    this.#watched.set(task.run, { task, limitMs, beats, seenMonotonicMs });
    this.#lookEvery(limitMs / LOOKS_PER_LIMIT);
  }

  #lookEvery(ms: number): void {
    const lookMs = Math.min(Math.max(ms, SHORTEST_LOOK_MS), LONGEST_LOOK_MS);
    if (this.#timer !== undefined && lookMs >= this.#lookMs) return;
    clearInterval(this.#timer);
    this.#lookMs = lookMs;
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  #look(): void {
    for (const watched of this.#watched.values()) this.#lookAt(watched);
    if (this.#watched.size === 0) this.stop();
  }

  #lookAt(watched: Watched): void {
    const { active, pool, stopper, clock } = this.#options;
    const { task } = watched;
    if (active.get(task.run) !== task || task.phase !== 'running' || task.stop !== undefined) {
      this.#watched.delete(task.run);
      return;
    }
    const now = clock.monotonicMs();
    const beats = pool.beats(task.run);
    if (beats !== watched.beats) {
      watched.beats = beats;
      watched.seenMonotonicMs = now;
    } else if (now - watched.seenMonotonicMs > watched.limitMs) {
      stopper.stop(task, 'heartbeat_missed');
    }
  }
}
