/** The bounds that handlers declare, checked once at start. */
import { HandlerLoadError } from '../errors.ts';
import type { HandlerReport } from '../threads/messages.ts';
import { parseDuration } from './duration.ts';

/** Run-time bounds in milliseconds by the URL of the module. Throws `HandlerLoadError` naming the file. */
export function handlerTimeouts(reports: readonly HandlerReport[]): Map<string, number> {
  const timeouts = new Map<string, number>();
  for (const { file, url, timeout, retries } of reports) {
    if (
      retries !== undefined &&
      !(retries >= 0 && (Number.isInteger(retries) || retries === Number.POSITIVE_INFINITY))
    ) {
      throw new HandlerLoadError(
        file,
        `retries is ${retries}, accepts a whole number from 0, or Infinity`,
      );
    }
    if (timeout !== undefined) timeouts.set(url, timeoutMs(file, timeout));
  }
  return timeouts;
}

function timeoutMs(file: string, timeout: NonNullable<HandlerReport['timeout']>): number {
  try {
    return parseDuration(timeout);
  } catch (error) {
    throw new HandlerLoadError(file, `timeout: ${String(error)}`, { cause: error });
  }
}
