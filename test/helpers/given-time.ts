/**
 * A clock for upper bounds of how long something takes. It stands still while the machine lets the work stand: what a
 * busy or stolen machine adds to a time says nothing about the product, and would make any bound fail now and then.
 */
import { ranMs, stolenMs, waitedMs } from './kernel-times.ts';

const TICK_MS = 10;

/** A running clock. */
export interface GivenTime {
  /** Milliseconds since its start in which the work could go on. On a machine with nothing else to do, all of them. */
  ms(): number;
  stop(): void;
}

/**
 * Starts a clock for work of this process, and of these others. Taken out is
 *
 * - each delay of this process's loop as far as the main thread was not on a core in it;
 * - the time that the main threads of the others stood in line for a core, and that the host took from the machine.
 *
 * Two that wait at once are counted twice: then the clock is slow, never fast.
 */
export function startGivenTime(pids: readonly number[] = []): GivenTime {
  const others = pids.map((pid) => ({ pid, beganMs: waitedMs(pid), waitedMs: waitedMs(pid) }));
  const beganAt = performance.now();
  const stolenBefore = stolenMs();
  let last = { at: beganAt, ranMs: ranMs() };
  let ownMs = 0;
  const look = (): void => {
    const now = { at: performance.now(), ranMs: ranMs() };
    ownMs += Math.max(0, now.at - last.at - TICK_MS - Math.max(0, now.ranMs - last.ranMs));
    last = now;
    // One that has ended answers 0: what it was last seen with stays.
    for (const other of others) other.waitedMs = Math.max(other.waitedMs, waitedMs(other.pid));
  };
  const timer = setInterval(look, TICK_MS);
  timer.unref();
  return {
    ms() {
      look();
      const theirMs = others.reduce((sum, other) => sum + other.waitedMs - other.beganMs, 0);
      const stolen = others.length > 0 ? stolenMs() - stolenBefore : 0;
      return performance.now() - beganAt - Math.max(ownMs, stolen) - theirMs;
    },
    stop: () => clearInterval(timer),
  };
}

/** How long this takes by such a clock, in milliseconds. */
export async function givenTimeOf(
  work: () => Promise<unknown>,
  pids: readonly number[] = [],
): Promise<number> {
  const clock = startGivenTime(pids);
  try {
    await work();
    return clock.ms();
  } finally {
    clock.stop();
  }
}
