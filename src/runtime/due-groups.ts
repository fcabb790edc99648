/**
 * The groups that are to be aggregated, in the order in which they were found, each once; and those that are left alone
 * for a while as their aggregation failed.
 */
import type { GroupRef } from '../task.ts';

/** Groups that wait at most: the others are found again by the next look. */
const MOST_WAITING = 10_000;
/** Failing groups that are remembered. */
const MOST_FAILING = 10_000;

/** A group whose aggregation failed. */
interface Failing {
  readonly failures: number;
  readonly pausedUntilMonotonicMs: number;
}

/** Of one server. */
export class DueGroups {
  readonly #waiting = new Map<string, GroupRef>();
  readonly #taken = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failing = new Map<string, Failing>();

  get isFull(): boolean {
    return this.#waiting.size >= MOST_WAITING;
  }

  /** A group that was found to be due. */
  add(group: GroupRef, nowMonotonicMs: number): void {
    const key = keyOf(group);
    const pausedUntil = this.#failing.get(key)?.pausedUntilMonotonicMs ?? 0;
    if (this.#taken.has(key) || pausedUntil > nowMonotonicMs) return;
    this.#waiting.set(key, group);
  }

  /** The one that has waited longest; `done` is to follow. */
  take(): GroupRef | undefined {
    for (const [key, group] of this.#waiting) {
      this.#waiting.delete(key);
      this.#taken.add(key);
      return group;
    }
    return undefined;
  }

  /** A taken group has more than could be taken at once. */
  again(group: GroupRef): void {
    this.#again.add(keyOf(group));
  }

  /** Its aggregation is over: it may be taken again. */
  done(group: GroupRef): void {
    const key = keyOf(group);
    this.#taken.delete(key);
    if (this.#again.delete(key) && !this.#failing.has(key)) this.#waiting.set(key, group);
  }

  succeeded(group: GroupRef): void {
    this.#failing.delete(keyOf(group));
  }

  /** Leaves the group alone for what `pauseMs` says of its failures in a row; answers how many these are. */
  failed(group: GroupRef, nowMonotonicMs: number, pauseMs: (failures: number) => number): number {
    const key = keyOf(group);
    const failures = (this.#failing.get(key)?.failures ?? 0) + 1;
    this.#failing.delete(key); // so that it becomes the youngest
    this.#failing.set(key, {
      failures,
      pausedUntilMonotonicMs: nowMonotonicMs + pauseMs(failures),
    });
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > MOST_FAILING && oldest !== undefined) this.#failing.delete(oldest);
    return failures;
  }

  /** Forgets those that wait. */
  clear(): void {
    this.#waiting.clear();
    this.#again.clear();
  }
}

/** Queue names hold no braces. */
function keyOf({ queue, name }: GroupRef): string {
  return `{${queue}}${name}`;
}
