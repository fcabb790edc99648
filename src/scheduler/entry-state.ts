/** One entry as this scheduler knows it: who leads it, how far its ticks are done, when the next one is due. */
import type { LedEntry, ScheduleClaim } from '../broker/broker.ts';
import type { CheckedEntry } from '../policy/schedule-entry.ts';
import { planTicks, type TickPlan } from '../policy/schedule.ts';
import type { EntryRef } from './events.ts';

/** The state of one entry. Instants by Redis's clock unless they say otherwise. */
export class EntryState {
  readonly entry: CheckedEntry;
  readonly ref: EntryRef;
  /** Since when this scheduler knows the entry; `undefined` before Redis has said what time it is. */
  #aliveSinceMs: number | undefined;
  #doneMs = 0;
  #previousMs = 0;
  #leadEndsMonotonicMs = 0;
  #plan: Pick<TickPlan, 'nextTickMs' | 'nextDueMs'> | undefined;
  #lastMissedMs = 0;

  /** `old`: what the entry was before it changed. */
  constructor(entry: CheckedEntry, old?: EntryState) {
    this.entry = entry;
    if (old !== undefined) {
      this.#aliveSinceMs = old.#aliveSinceMs;
      this.#doneMs = old.#doneMs;
      this.#previousMs = old.#previousMs;
      this.#leadEndsMonotonicMs = old.#leadEndsMonotonicMs;
    }
    this.ref = { id: entry.id, name: entry.name, type: entry.task.type, queue: entry.queue };
  }

  /** What it knows; while it is led, time passes without ticks too. */
  claim(nowMs: number, isLed: boolean): ScheduleClaim {
    const { nextTickMs = Number.POSITIVE_INFINITY } = this.#plan ?? { nextTickMs: 0 };
    if (isLed) this.#doneMs = Math.max(this.#doneMs, Math.min(nextTickMs - 1, nowMs));
    return { entryId: this.entry.id, doneAt: this.#doneMs, previousAt: this.#previousMs };
  }

  /** Takes in what Redis answered; `leadEndsMonotonicMs`: until when the lead holds, if it was given. */
  learn(answer: LedEntry, nowMs: number, leadEndsMonotonicMs: number): void {
    this.#aliveSinceMs ??= nowMs;
    // A lead that is new goes on from where the last one stopped: what was planned before is void.
    if (answer.doneAt > this.#doneMs) this.#plan = undefined;
    this.#doneMs = Math.max(this.#doneMs, answer.doneAt);
    this.#previousMs = Math.max(this.#previousMs, answer.previousAt ?? 0);
    this.#leadEndsMonotonicMs = answer.isLed ? leadEndsMonotonicMs : 0;
  }

  /** Whether this scheduler may enqueue its ticks at this instant of the monotonic clock. */
  isLedAt(monotonicMs: number): boolean {
    return monotonicMs < this.#leadEndsMonotonicMs;
  }

  /** When there is something to do; at once before the first plan, never when there are no more ticks. */
  get dueMs(): number {
    if (this.#plan === undefined) return 0;
    return this.#plan.nextDueMs ?? Number.POSITIVE_INFINITY;
  }

  /** What is to be done now. */
  plan(nowMs: number): TickPlan {
    return planTicks(this.entry, {
      nowMs,
      doneMs: this.#doneMs,
      aliveSinceMs: this.#aliveSinceMs ?? nowMs,
    });
  }

  /** Whether these missed ticks have not been told of yet. */
  isNewlyMissed(last: number): boolean {
    const isNew = last > this.#lastMissedMs;
    this.#lastMissedMs = Math.max(this.#lastMissedMs, last);
    return isNew;
  }

  /** A tick is done with; `wasEnqueued`: it has a task. */
  ticked(tickMs: number, wasEnqueued: boolean): void {
    this.#doneMs = Math.max(this.#doneMs, tickMs);
    if (wasEnqueued) this.#previousMs = Math.max(this.#previousMs, tickMs);
  }

  /** All that was due is done. */
  finish(plan: TickPlan): void {
    this.#doneMs = Math.max(this.#doneMs, plan.doneMs);
    this.#plan = plan;
  }

  /** The next tick as tools show it; `undefined` when there is none, or not known yet. */
  get nextTickMs(): number | undefined {
    return this.#plan?.nextTickMs;
  }

  get previousTickMs(): number | undefined {
    return this.#previousMs === 0 ? undefined : this.#previousMs;
  }
}
