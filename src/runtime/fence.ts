/**
 * Stops tasks whose lease could not be extended, before it ends, with one timer for all of them. By the monotonic clock,
 * counted from when the last successful extension was sent. A process that was frozen finds the timer overdue when it goes
 * on, before it hears anything of its threads.
 */
import type { Clock } from '../clock.ts';
import { fenceAt } from '../policy/fence.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the fence works with. */
export interface FenceOptions {
  readonly active: Pick<ActiveTasks, 'inSlots'>;
  readonly stopper: Pick<Stopper, 'stop'>;
  readonly clock: Clock;
  readonly cancelGraceMs: number;
}

/** Watches the leases of tasks in slots. */
export class Fence implements Service {
  readonly name = 'fence';
  readonly #options: FenceOptions;
  #timer: NodeJS.Timeout | undefined;
  #firesAtMonotonicMs = Number.POSITIVE_INFINITY;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  start(): void {}

  stop(): void {
    clearTimeout(this.#timer);
    this.#firesAtMonotonicMs = Number.POSITIVE_INFINITY;
  }

  /** To be called when a lease begins. An extension needs no call: the timer finds it when it fires. */
  watch(task: ActiveTask): void {
    const at = this.#fenceOf(task);
    if (at < this.#firesAtMonotonicMs) this.#arm(at);
  }

  #fenceOf({ leaseEndsMonotonicMs }: ActiveTask): number {
    return fenceAt(leaseEndsMonotonicMs, this.#options.cancelGraceMs);
  }

  #arm(atMonotonicMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAtMonotonicMs = atMonotonicMs;
    const leftMs = atMonotonicMs - this.#options.clock.monotonicMs();
    this.#timer = setTimeout(() => this.#look(), Math.max(0, Math.ceil(leftMs)));
    this.#timer.unref();
  }

  #look(): void {
    const { active, stopper, clock } = this.#options;
    const now = clock.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    for (const task of active.inSlots()) {
      const at = this.#fenceOf(task);
      if (at <= now) stopper.stop(task, 'lease_lost');
      else next = Math.min(next, at);
    }
    this.#firesAtMonotonicMs = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
