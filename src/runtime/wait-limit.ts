/**
 * Gives back what was leased ahead and waits too long: the runs before it take longer than those from which the lease was
 * planned, and another server may have a slot free. With one timer, only while something waits.
 */
import type { Clock } from '../clock.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Finisher } from './finisher.ts';

/** What the limit works with. */
export interface WaitLimitOptions {
  readonly active: Pick<ActiveTasks, 'occupied' | 'inSlots'>;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly finisher: Pick<Finisher, 'giveBack'>;
  /** Whether a lease is under way: what it brings lies behind what waits here. */
  isLeasing(): boolean;
  /** Takes a task back that no thread has begun; `false` when one has. */
  withdraw(task: ActiveTask): boolean;
  /** A task of this queue has waited for so many milliseconds in vain. */
  onGivenBack(queue: string, waitedMs: number): void;
}

/** Many times what it should wait: in between a process may stand still for reasons of its own. */
const LONGEST_WAIT_MS = 500;
/** A task is seen waiting at two looks: what came while the process stood still is heard in between. */
const LOOK_EVERY_MS = 250;
/** Given back while a lease is under way, a task would be overtaken by what that brings; large messages may take long. */
const LEASE_LOOK_MS = 5;
const MOST_LEASE_LOOKS = 50;

/** Watches the tasks that wait for a slot. */
export class WaitLimit {
  readonly #options: WaitLimitOptions;
  #isLooking = false;
  #lastLookMs = 0;
  #leaseLooks = 0;

  constructor(options: WaitLimitOptions) {
    this.#options = options;
  }

  /** To be called when tasks were leased. */
  watch(): void {
    if (this.#isLooking || this.#excess <= 0) return;
    this.#lastLookMs = this.#options.clock.monotonicMs();
    this.#arm();
  }

  /** Tasks for which there is no slot. */
  get #excess(): number {
    return this.#options.active.occupied - this.#options.concurrency;
  }

  #arm(afterMs = LOOK_EVERY_MS): void {
    this.#isLooking = true;
    setTimeout(() => this.#look(), afterMs).unref();
  }

  #look(): void {
    this.#isLooking = false;
    if (this.#options.isLeasing() && this.#leaseLooks < MOST_LEASE_LOOKS) {
      this.#leaseLooks += 1;
      return this.#arm(LEASE_LOOK_MS);
    }
    this.#leaseLooks = 0;
    const now = this.#options.clock.monotonicMs();
    const latest = Math.min(now - LONGEST_WAIT_MS, this.#lastLookMs);
    this.#lastLookMs = now;
    if (this.#excess <= 0) return;
    const waiting = this.#options.active.inSlots().filter(mayGoBack).toReversed();
    if (waiting.some(({ leasedMonotonicMs }) => leasedMonotonicMs <= latest)) {
      this.#giveBack(waiting.slice(0, this.#excess), now);
    }
    this.#arm();
  }

  /** The last one first, as each goes to the front of its queue. */
  #giveBack(waiting: readonly ActiveTask[], now: number): void {
    const { finisher, withdraw, onGivenBack } = this.#options;
    for (const task of waiting) {
      if (!withdraw(task)) continue;
      finisher.giveBack(task);
      onGivenBack(task.ref.queue, now - task.leasedMonotonicMs);
    }
  }
}

/** A task that is to run alone waits for the others, wherever it is. */
function mayGoBack(task: ActiveTask): boolean {
  const { phase, stop, isOffered, isSuspect, aggregation } = task;
  const isIdle = phase === 'waiting' && stop === undefined && !isOffered;
  return isIdle && !isSuspect && aggregation === undefined;
}
