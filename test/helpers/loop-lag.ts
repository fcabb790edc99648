/** How long the event loop was kept from running by what ran on it, apart from what the machine kept from the process. */
import { readFileSync } from 'node:fs';

const TICK_MS = 5;

/** Measures until `stop`, which answers the worst lag in milliseconds. */
export interface LagMeter {
  stop(): number;
}

/**
 * Starts measuring. On Linux a lag counts only as far as the main thread was on a core in it: with more busy threads
 * than cores the kernel (and, in a virtual machine, the host) keeps an idle loop waiting just as long (measured: the
 * same worst lag of 80 to 200 ms with silent threads), and that says nothing about what the loop was made to do.
 */
export function measureLag(): LagMeter {
  let worst = 0;
  let last = { at: performance.now(), ranMs: ranMs() };
  const timer = setInterval(() => {
    const now = { at: performance.now(), ranMs: ranMs() };
    worst = Math.max(worst, Math.min(now.at - last.at - TICK_MS, now.ranMs - last.ranMs));
    last = now;
  }, TICK_MS);
  return {
    stop() {
      clearInterval(timer);
      return worst;
    },
  };
}

/** Milliseconds that the main thread has been on a core; the first of the kernel's three figures for it. */
function ranMs(): number {
  try {
    const [ran] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(ran) / 1e6;
  } catch {
    return performance.now(); // no Linux, or a kernel without these figures: the raw lag counts
  }
}
