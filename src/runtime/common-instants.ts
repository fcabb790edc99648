/**
 * Timers that come seldom, gathered at common instants: an idle process is woken once for all that is due. Waking up costs it
 * more than what there is to do then. One for all servers of a process, since it is the process that wakes.
 */

// Not the global ones: a test of the user's may have put others in their place for a while.
import { clearTimeout, setTimeout } from 'node:timers';

/** Instants are so far apart, from the start of the process on: servers that began apart do not act together. */
const APART_MS = 250;
/** Who waits for less waits alone: at a common instant it would come far too early. */
const SELDOM_MS = 500;

interface Instant {
  readonly timer: NodeJS.Timeout;
  readonly acts: Set<() => void>;
}

const instants = new Map<number, Instant>();

/** Calls `act` after so many milliseconds, or up to 250 earlier where that is 500 or more. Answers what calls it off. */
export function actAfter(waitMs: number, act: () => void): () => void {
  if (waitMs < SELDOM_MS) {
    const timer = setTimeout(act, waitMs);
    return () => clearTimeout(timer);
  }
  const number = Math.floor((performance.now() + waitMs) / APART_MS);
  const { timer, acts } = instantOf(number);
  acts.add(act);
  return () => {
    acts.delete(act);
    if (acts.size > 0) return;
    clearTimeout(timer);
    if (instants.get(number)?.acts === acts) instants.delete(number);
  };
}

function instantOf(number: number): Instant {
  const known = instants.get(number);
  if (known !== undefined) return known;
  const acts = new Set<() => void>();
  const begin = (): void => {
    instants.delete(number);
    for (const act of acts) act();
  };
  const timer = setTimeout(begin, Math.ceil(number * APART_MS - performance.now()));
  const made = { timer, acts };
  instants.set(number, made);
  return made;
}
