/** The bounds that handlers declare, checked once at start. */
import { HandlerLoadError } from '../errors.ts';
import type { HandlerReport } from '../threads/messages.ts';
import { parseDuration } from './duration.ts';

/** What a handler declares of its runs, in milliseconds; absent where it declares nothing. */
export interface HandlerBounds {
  /** Upper bound of the run time. */
  readonly timeoutMs?: number;
  /** Time to end after a stop, instead of the server's. */
  readonly cancelGraceMs?: number;
  /** Longest time without a sign of life. */
  readonly heartbeatMs?: number;
}

/** As for the server's own grace. */
const LONGEST_GRACE_MS = 3_600_000;

const DURATIONS = [
  ['timeout', 'timeoutMs'],
  ['cancelGrace', 'cancelGraceMs'],
  ['heartbeat', 'heartbeatMs'],
] as const;

/** Bounds by the URL of the module. Throws `HandlerLoadError` naming the file. */
export function handlerBounds(reports: readonly HandlerReport[]): Map<string, HandlerBounds> {
  return new Map(
    reports.map((report) => {
      checkRetries(report);
      return [report.url, boundsOf(report)];
    }),
  );
}

function checkRetries({ file, retries }: HandlerReport): void {
  const isCount =
    retries === undefined ||
    (retries >= 0 && (Number.isInteger(retries) || retries === Number.POSITIVE_INFINITY));
  if (isCount) return;
  throw new HandlerLoadError(
    file,
    `retries is ${retries}, accepts a whole number from 0, or Infinity`,
  );
}

function boundsOf(report: HandlerReport): HandlerBounds {
  const given = DURATIONS.flatMap(([option, name]) => {
    const value = report[option];
    return value === undefined ? [] : [[name, readDuration(report.file, option, value)] as const];
  });
  const bounds: HandlerBounds = Object.fromEntries(given);
  if ((bounds.cancelGraceMs ?? 0) > LONGEST_GRACE_MS) {
    throw new HandlerLoadError(report.file, 'cancelGrace: accepts at most 1h');
  }
  if (bounds.heartbeatMs === 0) {
    throw new HandlerLoadError(report.file, 'heartbeat is 0: give the longest time without one');
  }
  return bounds;
}

function readDuration(
  file: string,
  option: string,
  value: NonNullable<HandlerReport['timeout']>,
): number {
  try {
    return parseDuration(value);
  } catch (error) {
    throw new HandlerLoadError(file, `${option}: ${String(error)}`, { cause: error });
  }
}
