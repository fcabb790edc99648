/**
 * Stops runs whose timeout or deadline has come, with one timer for all of them: a timer per task would cost more than
 * a short task itself.
 */
import type { Clock } from '../clock.ts';
import type { StopReason } from '../threads/messages.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';

/** `setTimeout` fires at once beyond this (24.8 days): longer waits are made in steps. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** What the deadline watch works with. */
export interface DeadlinesOptions {
  readonly active: ActiveTasks;
  readonly clock: Clock;
  stop(task: ActiveTask, reason: StopReason): void;
}

/** Watches the deadlines of running tasks. */
export class Deadlines implements Service {
  readonly name = 'deadlines';
  readonly #options: DeadlinesOptions;
  #timer: NodeJS.Timeout | undefined;
  #firesAtWallMs = Number.POSITIVE_INFINITY;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  start(): void {}

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAtWallMs = Number.POSITIVE_INFINITY;
  }

  /** To be called when a run has got its deadline. */
  watch(task: ActiveTask): void {
    if (task.deadline !== undefined && task.deadline.deadlineMs < this.#firesAtWallMs) {
      this.#arm(task.deadline.deadlineMs);
    }
  }

  #arm(atWallMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAtWallMs = atWallMs;
    const waitMs = Math.min(Math.max(0, atWallMs - this.#options.clock.wallMs()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#look(), waitMs);
    this.#timer.unref();
  }

  #look(): void {
    const now = this.#options.clock.wallMs();
    let next = Number.POSITIVE_INFINITY;
    for (const task of this.#options.active.inSlots()) {
      if (task.deadline === undefined || task.stop !== undefined) continue;
      if (task.deadline.deadlineMs <= now) this.#options.stop(task, task.deadline.reason);
      else next = Math.min(next, task.deadline.deadlineMs);
    }
    this.#firesAtWallMs = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
