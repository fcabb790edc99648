/** How long the event loop was kept from running by what ran on it, apart from what the machine kept from the process. */
import { ranMs, stolenMs } from './kernel-times.ts';

const TICK_MS = 5;

/** The worst lag. */
export interface Lag {
  readonly ms: number;
  /** What it was made of, for the message of an assertion that fails. */
  readonly text: string;
}

/** Measures until `stop`. */
export interface LagMeter {
  stop(): Lag;
}

interface Look {
  readonly atMs: number;
  readonly ranMs: number;
  readonly stolenMs: number;
}

/**
 * Starts measuring. On Linux a lag counts only as far as the main thread was on a core in it: with more busy threads
 * than cores the kernel (and, in a virtual machine, the host) keeps an idle loop waiting just as long (measured: the
 * same worst lag of 80 to 200 ms with silent threads), and that says nothing about what the loop was made to do. Not
 * every kernel takes what the host took out of a thread's time on a core, so it is taken out here as well, once.
 */
export function measureLag(): LagMeter {
  let worst: Lag = { ms: 0, text: 'no lag' };
  let [before, last] = [look(), look()];
  const timer = setInterval(() => {
    const now = look();
    const lag = lagBetween(before, last, now);
    if (lag.ms > worst.ms) worst = lag;
    [before, last] = [last, now];
  }, TICK_MS);
  return {
    stop() {
      clearInterval(timer);
      const lag = lagBetween(before, last, look());
      return lag.ms > worst.ms ? lag : worst;
    },
  };
}

/** `later`: one look further on, since the kernel may write down what the host took a moment after it gave it back. */
function lagBetween(from: Look, to: Look, later: Look): Lag {
  const lateMs = to.atMs - from.atMs - TICK_MS;
  const ran = to.ranMs - from.ranMs;
  const stolen = later.stolenMs - from.stolenMs;
  const ms = Math.max(0, Math.min(lateMs - stolen, ran));
  const parts = `${lateMs.toFixed(1)} ms late, ${ran.toFixed(1)} ms of it on a core, ${stolen} ms stolen`;
  return { ms, text: `${ms.toFixed(1)} ms: ${parts}` };
}

function look(): Look {
  return { atMs: performance.now(), ranMs: ranMs(), stolenMs: stolenMs() };
}
