/** A periodic task as it is declared, checked and made ready: all problems reported at once. */
import { createHash } from 'node:crypto';
import type { OptionIssue } from '../errors.ts';
import type { Duration, EnqueueOptions, NewTask } from '../task.ts';
import type { MissedPolicy, Timing } from './schedule.ts';
import { isRecord, NEVER_MS, ScheduleChecks } from './schedule-checks.ts';

/** One periodic task. */
export interface ScheduleEntry {
  /**
   * Tells entries apart, in the whole Redis: schedulers with an entry of the same name and task type share its ticks, and
   * it may change everything else without becoming another. Default: made of spec, task and options.
   */
  readonly name?: string;
  /** Five cron fields, or six with the second first; `@hourly` and the like; `@every 1h30m`. A prefix `TZ=…` names the zone. */
  readonly spec: string;
  readonly task: NewTask;
  /** How each tick is enqueued. Its task ID is made of entry and tick. */
  readonly options?: Omit<EnqueueOptions, 'taskId'>;
  /** IANA name. Default: that of the scheduler, else UTC. */
  readonly timeZone?: string;
  /** Each tick is enqueued up to so much later, and not all entries at once. Default 0, at most a day. */
  readonly jitter?: Duration;
  /** No tick before this instant; `@every` counts from it. A Date or milliseconds since 1970. */
  readonly startAt?: Date | number;
  /** No tick after this instant. */
  readonly endAt?: Date | number;
  /**
   * What becomes of ticks that were missed as no scheduler ran, or as Redis was away for over a minute: `skip` (default)
   * drops them, `once` enqueues the last one, `{ all: n }` the last n, at most 1000.
   */
  readonly missed?: MissedPolicy;
}

/** An entry that can be run. */
export interface CheckedEntry extends Timing {
  readonly name: string | undefined;
  /** As it was declared; with the zone as a prefix where that is not UTC. */
  readonly spec: string;
  readonly task: NewTask;
  readonly options: Omit<EnqueueOptions, 'taskId'>;
  readonly queue: string;
  readonly payload: Uint8Array;
  /** Options as asynq's tools show them. */
  readonly optionStrings: readonly string[];
}

/** What checking needs from its surroundings. */
export interface EntryContext {
  /** Of entries that name none. */
  readonly timeZone: string;
  /** Bytes. */
  readonly maxPayloadSize: number;
}

/** Checks a list. `place` names it in the issues: `entries`. What is wrong is left out of the answer. */
export function checkEntries(
  list: unknown,
  place: string,
  context: EntryContext,
  issues: OptionIssue[],
): CheckedEntry[] {
  if (!Array.isArray(list)) {
    issues.push({ name: place, value: list, accepts: 'a list of entries: [{ spec, task }]' });
    return [];
  }
  const seen = new Map<string, string>();
  return list.flatMap((given: unknown, index) => {
    const where = `${place}[${index}]`;
    const entry = checkEntry(given, where, context, issues);
    if (entry === undefined) return [];
    const twin = seen.get(entry.id);
    seen.set(entry.id, where);
    if (twin === undefined) return [entry];
    const value = entry.name ?? entry.spec;
    issues.push({ name: where, value, accepts: `an entry that differs from ${twin}, by a name` });
    return [];
  });
}

/** Checks one entry; `undefined` when it is wrong. */
export function checkEntry(
  given: unknown,
  where: string,
  context: EntryContext,
  issues: OptionIssue[],
): CheckedEntry | undefined {
  if (!isRecord(given)) {
    issues.push({ name: where, value: given, accepts: 'an entry: { spec, task }' });
    return undefined;
  }
  const before = issues.length;
  const checks = new ScheduleChecks(given, where, issues);
  checks.refuseUnknown();
  const name = checks.name();
  const startAtMs = checks.instant('startAt');
  const endAtMs = checks.instant('endAt');
  const zone = checks.zone(context.timeZone);
  const spec = checks.spec();
  const ticks =
    spec === undefined || zone === undefined ? undefined : checks.ticks(spec, zone, startAtMs);
  const prepared = checks.task(context.maxPayloadSize);
  const jitterMs = checks.jitter();
  const missed = checks.missed();
  if (issues.length > before || spec === undefined) return undefined;
  if (ticks === undefined || prepared === undefined) return undefined;
  const shown = withZone(spec, zone);
  return Object.freeze({
    ...prepared,
    id: entryId(name, shown, prepared),
    name,
    spec: shown,
    ticks,
    jitterMs: jitterMs ?? 0,
    startAtMs: startAtMs ?? 0,
    endAtMs: endAtMs ?? NEVER_MS,
    missed: missed ?? 'skip',
  });
}

/** The task of an entry, and how it is enqueued. */
export type PreparedEntry = Pick<
  CheckedEntry,
  'task' | 'options' | 'queue' | 'payload' | 'optionStrings'
>;

/** The same on every host and after every restart. In the form of a UUID, as asynq's entries have. */
function entryId(name: string | undefined, spec: string, entry: PreparedEntry): string {
  const { task, payload, optionStrings: options } = entry;
  const hash = createHash('sha256');
  const parts = name === undefined ? [spec, task.type, ...[...options].sort()] : [name, task.type];
  hash.update(JSON.stringify([name === undefined ? 'entry' : 'name', ...parts]));
  if (name === undefined) hash.update(payload);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80; // version 8: made of other data
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i], end)).join('-');
}

/** Tools do not know the scheduler's zone. */
function withZone(spec: string, zone = 'UTC'): string {
  const isPlain = zone === 'UTC' || /^(?:CRON_)?TZ=|^@every/.test(spec);
  return isPlain ? spec : `CRON_TZ=${zone} ${spec}`;
}
