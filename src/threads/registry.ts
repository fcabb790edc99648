/**
 * Which handler module runs a task type. A task type comes from Redis, so it is only ever compared with the patterns
 * found at start; it never becomes a path.
 */
import { HandlerLoadError, show } from '../errors.ts';
import type { HandlerReport } from './messages.ts';

/** The handlers of a server. */
export interface Registry {
  /** The handler of a task type: the one with exactly this pattern, else the one with the longest pattern that the type begins with. */
  resolve(type: string): HandlerReport | undefined;
  /** All patterns, sorted. */
  readonly patterns: readonly string[];
}

/**
 * Makes the registry. Matches asynq's ServeMux: prefixes are plain strings, no separator counts. Throws
 * `HandlerLoadError` when two modules claim one pattern.
 */
export function createRegistry(reports: readonly HandlerReport[]): Registry {
  const byPattern = new Map<string, HandlerReport>();
  for (const report of reports) {
    const other = byPattern.get(report.pattern);
    if (other !== undefined) throw claimedTwice(report, other);
    byPattern.set(report.pattern, report);
  }
  // One look-up per length, not per pattern: thousands of patterns have a few dozen lengths.
  const lengths = [...new Set([...byPattern.keys()].map((pattern) => pattern.length))].sort(
    (a, b) => b - a,
  );
  return {
    resolve: (type) => byPattern.get(type) ?? longestPrefix(byPattern, lengths, type),
    patterns: [...byPattern.keys()].sort(),
  };
}

function longestPrefix(
  byPattern: ReadonlyMap<string, HandlerReport>,
  lengths: readonly number[],
  type: string,
): HandlerReport | undefined {
  for (const length of lengths) {
    if (length >= type.length) continue;
    const found = byPattern.get(type.slice(0, length));
    if (found !== undefined) return found;
  }
  return undefined;
}

function claimedTwice(report: HandlerReport, other: HandlerReport): HandlerLoadError {
  return new HandlerLoadError(
    report.file,
    `it claims the pattern ${show(report.pattern)}, which ${other.file} claims too: ` +
      'give one of them another type, or exclude it by a name that begins with "_"',
  );
}
