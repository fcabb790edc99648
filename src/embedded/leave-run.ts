/** Leaves a run; the last one to leave waits for the server's end. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isEnding, isRunning } from './runs.ts';

/** What a process holds of a run. */
export interface HeldRun {
  readonly folder: string;
  /** The write end of the run's pipe. */
  readonly pipe: number;
  /** The watch script, when this process began the run. */
  readonly watcher?: ChildProcess;
  /** A temporary folder of this process alone, which nobody can share. */
  readonly privateRoot?: string;
}

const END_TIMEOUT_MS = 10_000;
// How long the watch script may take to see that its pipe has ended; after that, somebody else still uses the run.
const NOTICE_MS = 800;
const POLL_MS = 10;

/** Closes our end. Resolves when the server is gone, or at once when others use it; waits ten seconds at most. */
export async function leaveRun(run: HeldRun): Promise<void> {
  const leftAt = performance.now();
  closeSync(run.pipe);
  let isLast = run.privateRoot !== undefined;
  while (performance.now() - leftAt < END_TIMEOUT_MS && isRunning(run.folder)) {
    isLast ||= isEnding(run.folder);
    if (!isLast && performance.now() - leftAt > NOTICE_MS) return;
    await delay(POLL_MS);
  }
  await untilExit(run.watcher, END_TIMEOUT_MS - (performance.now() - leftAt));
  if (run.privateRoot !== undefined) rmSync(run.privateRoot, { recursive: true, force: true });
}

async function untilExit(watcher: ChildProcess | undefined, timeoutMs: number): Promise<void> {
  if (watcher === undefined || watcher.exitCode !== null || watcher.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.max(timeoutMs, 1));
    watcher.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
