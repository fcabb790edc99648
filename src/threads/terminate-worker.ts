import type { Worker } from 'node:worker_threads';

/** Doubled from one try to the next: 25, 75, 175, 375 and 775 ms after the first. */
const FIRST_PAUSE_MS = 25;
const MORE_TRIES = 5;

/**
 * Ends a thread; resolves when its code has really stopped. Node can lose a termination that comes at a bad moment: of
 * runs terminated as soon as they began, one in some thousands ran on (Node 22) until it was told again.
 */
export async function terminateWorker(worker: Worker): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tryLater = (pauseMs: number, triesLeft: number): void => {
    if (triesLeft === 0) return;
    timer = setTimeout(() => {
      worker.terminate().catch(() => undefined); // the first call answers
      tryLater(pauseMs * 2, triesLeft - 1);
    }, pauseMs);
  };
  const ended = worker.terminate();
  tryLater(FIRST_PAUSE_MS, MORE_TRIES);
  await ended;
  clearTimeout(timer);
}
