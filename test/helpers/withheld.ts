/** How much time the machine kept from processes that were ready to run: no part of what a bound of the product is about. */
import { readFileSync } from 'node:fs';

const TICK_MS = 10;
/** The kernel counts what the host took in hundredths of a second. */
const STEAL_UNIT_MS = 10;

/** Measures until `stop`, which answers milliseconds. */
export interface WithheldMeter {
  stop(): number;
}

/**
 * Starts measuring: what the main threads of these processes waited for a core, and what was kept from this one, by whomever:
 * its loop looks every 10 ms, and a look comes as late as the machine and its own code make it, whose part is known. What
 * the host takes stands in no process's figures; it may have been more than this process noticed. With idle cores the answer
 * is about 0, and a bound is as strict as it reads. Where there are no such figures, as beside Linux, the raw lag counts.
 */
export function measureWithheld(pids: readonly number[] = []): WithheldMeter {
  const waits = pids.map((pid) => ({ pid, first: waitedMs(pid) ?? 0, last: waitedMs(pid) ?? 0 }));
  const stolenBefore = stolenMs();
  let noticed = 0;
  let lastLook = { at: performance.now(), ranMs: ranMs() };
  const look = (): void => {
    const now = { at: performance.now(), ranMs: ranMs() };
    noticed += Math.max(0, now.at - lastLook.at - TICK_MS - (now.ranMs - lastLook.ranMs));
    lastLook = now;
    // The last figures of a process that has ended are those of the last look.
    for (const wait of waits) wait.last = waitedMs(wait.pid) ?? wait.last;
  };
  const timer = setInterval(look, TICK_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      const waited = waits.reduce((sum, { first, last }) => sum + last - first, 0);
      return waited + Math.max(noticed, stolenMs() - stolenBefore);
    },
  };
}

/** How long the main thread of this process has been on a core. */
function ranMs(): number {
  return Number(read(`/proc/self/task/${process.pid}/schedstat`).split(' ')[0]) / 1e6;
}

/** The second figure of `schedstat`: how long the main thread was ready and had no core. */
function waitedMs(pid: number): number | undefined {
  const [, waited] = read(`/proc/${pid}/task/${pid}/schedstat`).split(' ');
  return waited === undefined ? undefined : Number(waited) / 1e6;
}

/** Of all cores together. */
function stolenMs(): number {
  const [, stolen] = /^cpu +(?:\d+ ){7}(\d+)/.exec(read('/proc/stat')) ?? [];
  return Number(stolen ?? 0) * STEAL_UNIT_MS;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended, or the system has no such files
  }
}
