/**
 * Stops runs whose timeout or deadline has come, with one timer for all of them: a timer per task would cost more than
 * a short task itself. By the monotonic clock: a step of the wall clock neither stops nor spares what runs.
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
  #firesAtMonotonicMs = Number.POSITIVE_INFINITY;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  start(): void {}

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAtMonotonicMs = Number.POSITIVE_INFINITY;
  }

  /** To be called when a run has got its deadline. */
  watch(task: ActiveTask): void {
    if (task.deadline === undefined) return;
    const { clock } = this.#options;
    const endsAt = clock.monotonicMs() + task.deadline.deadlineMs - clock.wallMs();
    task.endsMonotonicMs = endsAt;
    if (endsAt < this.#firesAtMonotonicMs) this.#arm(endsAt);
  }

  #arm(atMonotonicMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAtMonotonicMs = atMonotonicMs;
    const leftMs = atMonotonicMs - this.#options.clock.monotonicMs();
    const waitMs = Math.min(Math.max(0, Math.ceil(leftMs)), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#look(), waitMs);
    this.#timer.unref();
  }

  #look(): void {
    const now = this.#options.clock.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    for (const task of this.#options.active.inSlots()) {
      const { deadline, endsMonotonicMs: endsAt } = task;
      if (endsAt === undefined || deadline === undefined || task.stop !== undefined) continue;
      if (endsAt <= now) this.#options.stop(task, deadline.reason);
      else next = Math.min(next, endsAt);
    }
    this.#firesAtMonotonicMs = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
