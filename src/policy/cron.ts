/**
 * When a periodic task is due. The library reads the fields and walks the calendar; ours are the rules of asynq around it:
 * prefixes for the time zone, `@every`, `a/n`, and which day fields are OR-ed (protocol, section 17).
 *
 * Daylight saving time. A spec that names its times, without `*`, `?` or a step in second, minute and hour, is about times
 * of the day: each of them comes once a day. One that the clocks skip comes at the first instant after the gap, one that
 * they show twice comes the first time. Any other spec is about a rhythm, which goes on through both: what is skipped
 * does not come, and the hour that is shown twice has its ticks twice. Go's asynq drops the ticks in the gap and
 * doubles those in the overlap for both kinds.
 */
import { Cron } from 'croner';
import { show } from '../errors.ts';
import { parseDuration } from './duration.ts';

/** The ticks of one spec: whole seconds, in milliseconds since 1970. */
export interface Ticks {
  /** The first tick after this instant; `undefined` when there will be none. */
  nextAfter(atMs: number): number | undefined;
  /** The last ticks up to and including `untilMs`, at most so many of those after `afterMs`; oldest first. */
  lastUntil(untilMs: number, afterMs: number, count: number): number[];
}

/** What `parseCron` reads beside the spec. */
export interface CronContext {
  /** IANA name of the time zone, unless the spec has a prefix. Default UTC. */
  readonly timeZone?: string;
  /** Where `@every` begins to count, in milliseconds since 1970. Default 1970, so that all schedulers agree. */
  readonly anchorMs?: number;
}

/** What `parseCron` accepts, for error messages. */
export const CRON_ACCEPTS =
  'a cron spec with five fields (minute hour day month weekday) or six (second first), @hourly, @daily, @weekly, @monthly, @yearly, or @every 1h30m';
/** What a time zone is, for error messages. */
export const ZONE_ACCEPTS = 'an IANA time zone such as Europe/Berlin';

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;
/** The last value of each field: second, minute, hour, day, month, weekday. */
const LAST_VALUES = [59, 59, 23, 31, 12, 6];
const SECOND_MS = 1000;

/** Reads a spec. Throws `RangeError` that shows what is wrong and what is accepted. */
export function parseCron(
  spec: string,
  { timeZone = 'UTC', anchorMs = 0 }: CronContext = {},
): Ticks {
  const text = spec.trim();
  const [prefix = '', named = timeZone] = ZONE_PREFIX.exec(text) ?? [];
  const rest = text.slice(prefix.length).trim();
  checkZone(named);
  if (/^@every\s/.test(rest)) return everyTicks(rest.slice('@every'.length).trim(), anchorMs);
  if (rest.startsWith('@') && NICKNAMES[rest] === undefined) throw refused(spec, 'unknown name');
  const fields = (NICKNAMES[rest] ?? rest).split(/\s+/);
  if (fields.length < 5 || fields.length > 6) throw refused(spec, `${fields.length} fields`);
  return fieldTicks(fields, named, spec);
}

/** Asking for a zone takes a millisecond; there are some 600. */
const knownZones = new Set(['UTC']);

/** Throws `RangeError` for a zone that this Node.js does not know. */
export function checkZone(timeZone: string): void {
  if (knownZones.has(timeZone)) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new RangeError(`${show(timeZone)} is not ${ZONE_ACCEPTS}`);
  }
  knownZones.add(timeZone);
}

/** Multiples of the interval, counted from an anchor: whoever asks, and whenever, gets the same ticks. */
function everyTicks(text: string, anchorMs: number): Ticks {
  const interval = intervalOf(text);
  const anchor = Math.ceil(anchorMs / SECOND_MS) * SECOND_MS;
  const floor = (atMs: number): number =>
    anchor + Math.floor((atMs - anchor) / interval) * interval;
  return {
    nextAfter: (atMs) => floor(atMs) + interval,
    lastUntil: (untilMs, afterMs, count) => {
      const last = floor(untilMs);
      const ticks = Array.from({ length: count }, (_, i) => last - (count - 1 - i) * interval);
      return ticks.filter((tick) => tick > afterMs);
    },
  };
}

function intervalOf(text: string): number {
  const accepts = 'whole seconds, at least 1s, with units as in Go: @every 90s, @every 1h30m';
  const refuse = (): RangeError => new RangeError(`@every ${text} is not ${accepts}`);
  if (!/[a-z]$/.test(text)) throw refuse();
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch {
    throw refuse();
  }
  if (ms < SECOND_MS || ms % SECOND_MS !== 0) throw refuse();
  return ms;
}

function fieldTicks(fields: readonly string[], timezone: string, spec: string): Ticks {
  const six = fields.length === 6 ? fields : ['0', ...fields];
  const [, , , day = '', , weekday = ''] = six;
  const pattern = six.map((field, i) => withRangeEnds(field, LAST_VALUES[i] ?? 0)).join(' ');
  const cron = readFields(pattern, spec, {
    timezone,
    paused: true,
    mode: '6-part',
    domAndDow: isAny(day) || isAny(weekday),
    fixedTimeRule: 'no-wildcard',
  });
  const nextAfter = (atMs: number): number | undefined =>
    cron.nextRun(new Date(floorSecond(atMs)))?.getTime();
  return {
    nextAfter,
    lastUntil: (untilMs, afterMs, count) =>
      cron
        .previousRuns(count, new Date(floorSecond(untilMs) + SECOND_MS))
        .map((date) => date.getTime())
        .filter((tick) => tick > afterMs && tick <= untilMs)
        .sort((a, b) => a - b),
  };
}

function readFields(pattern: string, spec: string, options: object): Cron {
  try {
    return new Cron(pattern, options);
  } catch (error) {
    throw refused(spec, error instanceof Error ? error.message.replace(/^CronPattern: /, '') : '');
  }
}

/** `5/15` means from 5 on in steps of 15, up to the field's end. */
function withRangeEnds(field: string, last: number): string {
  return field.replace(/(?<=^|,)([a-z\d]+)\/(?=\d)/gi, `$1-${last}/`);
}

/** As in asynq a day field restricts nothing when it, or a part of it, is `*` or `?` without a step. */
function isAny(field: string): boolean {
  return field.split(',').some((part) => /^[*?](?:\/1)?$/.test(part));
}

function floorSecond(atMs: number): number {
  return Math.floor(atMs / SECOND_MS) * SECOND_MS;
}

function refused(spec: string, why: string): RangeError {
  return new RangeError(`${show(spec)} is not ${CRON_ACCEPTS} (${why})`);
}
