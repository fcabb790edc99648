/** Waits until a run's server answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { ping } from './ping.ts';
import { isRunning } from './runs.ts';

const SILENCE_TIMEOUT_MS = 15_000;
const POLL_MS = 5;

/**
 * `ready`: it answers. `over`: the run ended before. `silent`: it lives and has not answered for 15 s. A server that
 * still loads its data is waited for as long as it takes.
 */
export async function awaitReady(
  folder: string,
  socketPath: string,
): Promise<'ready' | 'over' | 'silent'> {
  let heardAt = performance.now();
  while (performance.now() - heardAt < SILENCE_TIMEOUT_MS) {
    const reply = await ping(socketPath);
    if (reply === 'ready') return 'ready';
    if (reply === 'loading') heardAt = performance.now();
    if (!isRunning(folder)) return 'over';
    await delay(POLL_MS);
  }
  return 'silent';
}
