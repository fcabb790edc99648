/**
 * Which module runs a task type, and which aggregates a group. Type and name come from Redis, so they are only ever
 * compared with the patterns found at start; they never become a path.
 */
import { HandlerLoadError, show } from '../errors.ts';
import type { HandlerReport } from './messages.ts';

/** The handlers of a server, or its aggregators. */
export interface Registry {
  /**
   * The module for a task type (or a group): the one with exactly this pattern, else the one with the longest pattern
   * that the type begins with.
   */
  resolve(type: string): HandlerReport | undefined;
  /** All patterns, sorted. */
  readonly patterns: readonly string[];
}

/**
 * Makes the registry of handlers. Matches asynq's ServeMux: prefixes are plain strings, no separator counts. Throws
 * `HandlerLoadError` when two modules claim one pattern.
 */
export function createRegistry(reports: readonly HandlerReport[]): Registry {
  return registryOf(reports.filter(({ isAggregator }) => isAggregator !== true));
}

/** Makes the registry of aggregators: its patterns are names of groups, and their beginnings. Throws alike. */
export function createGroupRegistry(reports: readonly HandlerReport[]): Registry {
  return registryOf(reports.filter(({ isAggregator }) => isAggregator === true));
}

function registryOf(reports: readonly HandlerReport[]): Registry {
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
      `give one of them another ${report.isAggregator === true ? 'group' : 'type'}, or exclude it by a name that begins with "_"`,
  );
}
