/** "Retry for ever" between the API and the wire. */
import { MAX_RETRY_FOREVER } from '../task.ts';

/** Retries as the API shows them: `Infinity` where the wire holds the largest int32. */
export function retriesFromWire(retry: number): number {
  return retry >= MAX_RETRY_FOREVER ? Number.POSITIVE_INFINITY : retry;
}
