/**
 * Tells which entries of `active` have had no lease for long: they lost it to an eviction or to somebody's half-done write
 * (trap 12). A living owner of ours puts its entry back when it extends, and one of Go never does; so the entry is only
 * taken when it had none at two looks a minute apart.
 */
import type { LostRun } from '../broker/broker.ts';

/** Between two looks; also what an entry must have been without lease. */
const APART_MS = 60_000;

/** Of one queue. */
export class UnleasedWatch {
  #seen = new Map<string, number>();
  #nextMonotonicMs = 0;

  /** Whether it is time for a look: looking costs Redis a pass over `active`. */
  isDue(nowMonotonicMs: number): boolean {
    return nowMonotonicMs >= this.#nextMonotonicMs;
  }

  /** Takes what a look found; answers what is to be recovered. */
  look(found: readonly LostRun[], nowMonotonicMs: number): LostRun[] {
    const before = this.#seen;
    // By token as well: a task that was leased again meanwhile begins anew.
    const key = ({ id, token = '' }: LostRun): string => `${id}\0${token}`;
    this.#seen = new Map(found.map((task) => [key(task), before.get(key(task)) ?? nowMonotonicMs]));
    this.#nextMonotonicMs = nowMonotonicMs + APART_MS;
    return found.filter(
      (task) => nowMonotonicMs - (before.get(key(task)) ?? nowMonotonicMs) >= APART_MS,
    );
  }
}
