/** Starts services in order and stops them in reverse. */
import { toError } from '../errors.ts';
import type { Service } from './service.ts';

/**
 * Starts one after the other; `goOn` is called after each and throws when the rest is not to be started. When one fails
 * the caller stops all: `stop` of a service not started does no harm.
 */
export async function startServices(
  services: readonly Service[],
  goOn: () => void = () => undefined,
): Promise<void> {
  for (const service of services) {
    await service.start();
    goOn();
  }
}

/** What each service still gets when the time for all of them is over. */
const OVERTIME_MS = 10;

/** What went wrong while stopping. */
export interface StopFault {
  readonly where: string;
  readonly error: Error;
}

/**
 * Stops one after the other in reverse, whatever fails on the way, within `limitMs` milliseconds in all. A service that
 * is not done by then is named in a fault and left behind.
 */
export async function stopServices(
  services: readonly Service[],
  limitMs: number,
): Promise<StopFault[]> {
  const faults: StopFault[] = [];
  const overtime = new AbortController();
  const timer = setTimeout(() => overtime.abort(), limitMs);
  for (const service of [...services].reverse()) {
    try {
      await within(Promise.resolve(service.stop(overtime.signal)), overtime.signal);
    } catch (error) {
      faults.push({ where: `stop of ${service.name}`, error: toError(error) });
    }
  }
  clearTimeout(timer);
  return faults;
}

async function within(work: Promise<void>, overtime: AbortSignal): Promise<void> {
  let onAbort: (() => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    // Those that come after the end of the time still get a moment: most have nothing to wait for.
    onAbort = () => setTimeout(() => reject(new Error('not stopped in time')), OVERTIME_MS);
    if (overtime.aborted) onAbort();
    else overtime.addEventListener('abort', onAbort);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    if (onAbort !== undefined) overtime.removeEventListener('abort', onAbort);
  }
}
