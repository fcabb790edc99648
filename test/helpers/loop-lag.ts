/** How long the event loop was kept from running by what ran on it, apart from what the machine kept from the process. */
import * as kernel from './kernel-times.ts';

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

/** Between two ticks. */
interface Late {
  readonly lateMs: number;
  readonly stolenMs: number;
  readonly onCoreMs: number;
}

interface Look {
  readonly atMs: number;
  readonly ranMs: number;
  readonly stolenMs: number;
}

/** Less is taken for catching up, whatever the main thread does in the rest of the time. */
const MAX_SHARE = 0.1;

/**
 * Starts measuring. On Linux a lag counts only as far as the main thread was on a core in it: with more busy threads
 * than cores the kernel (and, in a virtual machine, the host) keeps an idle loop waiting just as long (measured: the
 * same worst lag of 80 to 200 ms with silent threads), and that says nothing about what the loop was made to do. Not
 * every kernel takes what the host took out of a thread's time on a core, so it is taken out here as well, once.
 *
 * Nor counts what the loop has to catch up with: after a wait it does the work of that time (measured: 59 ms on a core
 * after a wait of 9 s). That is its share of the whole time, which is 3 % when the machine has nothing else to do.
 */
export function measureLag(): LagMeter {
  const begin = look();
  const lags: Late[] = [];
  let [before, last] = [begin, begin];
  const note = (now: Look): void => {
    const lag = lagBetween(before, last, now);
    if (lag.onCoreMs > 0) lags.push(lag);
    [before, last] = [last, now];
  };
  const timer = setInterval(() => note(look()), TICK_MS);
  return {
    stop() {
      clearInterval(timer);
      const end = look();
      note(end);
      note(end);
      const share = Math.min(MAX_SHARE, (end.ranMs - begin.ranMs) / (end.atMs - begin.atMs));
      return lags.map((lag) => judge(lag, share)).reduce(worse, { ms: 0, text: 'no lag' });
    },
  };
}

/** `later`: one look further on, since the kernel may write down what the host took a moment after it gave it back. */
function lagBetween(from: Look, to: Look, later: Look): Late {
  const lateMs = to.atMs - from.atMs - TICK_MS;
  const stolenMs = later.stolenMs - from.stolenMs;
  return { lateMs, stolenMs, onCoreMs: Math.min(lateMs - stolenMs, to.ranMs - from.ranMs) };
}

function judge({ lateMs, stolenMs, onCoreMs }: Late, share: number): Lag {
  const ms = onCoreMs - share * (lateMs - onCoreMs);
  const parts = `${lateMs.toFixed(1)} ms late, ${onCoreMs.toFixed(1)} ms of it on a core, ${stolenMs} ms stolen`;
  return {
    ms,
    text: `${ms.toFixed(1)} ms: ${parts}, ${(share * 100).toFixed(1)} % for catching up`,
  };
}

function worse(one: Lag, other: Lag): Lag {
  return other.ms > one.ms ? other : one;
}

function look(): Look {
  return { atMs: performance.now(), ranMs: kernel.ranMs(), stolenMs: kernel.stolenMs() };
}
