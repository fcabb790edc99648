/** The options of a scheduler, from code or from the key `schedule` of the config file: all problems reported at once. */
import type { OptionIssue } from '../errors.ts';
import type { Duration } from '../task.ts';
import { checkZone, ZONE_ACCEPTS } from './cron.ts';
import { DURATION_ACCEPTS, parseDuration } from './duration.ts';
import { type CheckedEntry, checkEntries, type ScheduleEntry } from './schedule-entry.ts';
import { isRecord } from './schedule-checks.ts';
import { unknownOption } from './suggest.ts';

/** Answers the entries as they are to be from now on. */
export type ScheduleProvider = () => readonly ScheduleEntry[] | Promise<readonly ScheduleEntry[]>;

/** What a scheduler is to run. */
export interface ScheduleOptions {
  readonly entries?: readonly ScheduleEntry[];
  /**
   * Asked at the start, and again at an interval, for further entries. If it fails at the start, so does the start; later
   * the last good answer stays.
   */
  readonly provider?: ScheduleProvider;
  /** How long after an answer the provider is asked again. Default 3 minutes, at least a second. */
  readonly providerInterval?: Duration;
  /** IANA name, for entries that name none. Default UTC. */
  readonly timeZone?: string;
}

/** The same, checked. */
export interface CheckedSchedule {
  readonly entries: readonly CheckedEntry[];
  readonly provider: ScheduleProvider | undefined;
  readonly providerIntervalMs: number;
  readonly timeZone: string;
  readonly maxPayloadSize: number;
}

/** Names of the options. */
export const SCHEDULE_OPTIONS: readonly (keyof ScheduleOptions)[] = [
  'entries',
  'provider',
  'providerInterval',
  'timeZone',
];
const PROVIDER_INTERVAL_MS = 180_000;
const SHORTEST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 86_400_000;

/**
 * Checks a list of entries, or an object of options. `nameOf` makes the name of an option as the user wrote it:
 * `entries[0].spec`.
 */
export function checkSchedule(
  given: unknown,
  nameOf: (path: string) => string,
  maxPayloadSize: number,
  issues: OptionIssue[],
): CheckedSchedule | undefined {
  const found: OptionIssue[] = [];
  const options = Array.isArray(given) ? { entries: given as unknown[] } : given;
  if (!isRecord(options)) {
    const accepts = 'a list of entries, or { entries, provider, providerInterval, timeZone }';
    issues.push({ name: nameOf(''), value: given, accepts });
    return undefined;
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (SCHEDULE_OPTIONS as readonly string[]).includes(name)) continue;
    found.push({ name, value, accepts: unknownOption(name, SCHEDULE_OPTIONS) });
  }
  const timeZone = zoneOf(options['timeZone'], found);
  const context = { timeZone, maxPayloadSize };
  const entries = checkEntries(options['entries'] ?? [], 'entries', context, found);
  const providerIntervalMs = intervalOf(options['providerInterval'], found);
  const { provider } = options;
  if (provider !== undefined && typeof provider !== 'function') {
    found.push({ name: 'provider', value: provider, accepts: 'a function that answers entries' });
  }
  issues.push(...found.map((issue) => ({ ...issue, name: nameOf(issue.name) })));
  if (found.length > 0) return undefined;
  return Object.freeze({
    entries,
    provider: provider as ScheduleProvider | undefined,
    providerIntervalMs,
    timeZone,
    maxPayloadSize,
  });
}

function zoneOf(value: unknown, issues: OptionIssue[]): string {
  if (value === undefined) return 'UTC';
  try {
    if (typeof value !== 'string') throw new RangeError();
    checkZone(value);
    return value;
  } catch {
    issues.push({ name: 'timeZone', value, accepts: ZONE_ACCEPTS });
    return 'UTC';
  }
}

function intervalOf(value: unknown, issues: OptionIssue[]): number {
  if (value === undefined) return PROVIDER_INTERVAL_MS;
  try {
    const ms = parseDuration(value as Duration);
    if (ms >= SHORTEST_INTERVAL_MS && ms <= LONGEST_INTERVAL_MS) return ms;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const accepts = `${DURATION_ACCEPTS}, from 1s to 24h`;
  issues.push({ name: 'providerInterval', value, accepts });
  return PROVIDER_INTERVAL_MS;
}
