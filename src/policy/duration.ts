/** Durations as people write them, and seconds as the wire has them. */
import parseUnits from 'parse-duration';
import { show } from '../errors.ts';
import type { Duration } from '../task.ts';

/** What `parseDuration` accepts, for error messages. */
export const DURATION_ACCEPTS =
  'a duration of 0 or more: milliseconds, or text such as "500ms", "30s", "1h30m" (units ns us µs ms s m h d w)';

/**
 * The library takes what it understands and ignores the rest, so the text is checked first. Units are those of Go, and
 * days and weeks; case matters, so that nobody takes `1M` for a month.
 */
const TERM = '(?:\\d+(?:\\.\\d+)?|\\.\\d+)(?:ns|us|µs|ms|s|m|h|d|w)';
const TEXT = new RegExp(`^(?:${TERM})+$`, 'u');
const DIGITS = /^\d+$/;
/** The Greek letter looks like the micro sign, and Go takes both. */
const GREEK_MU = /\u03BC/gu;

/**
 * The duration in milliseconds: a number as it is, text of digits as milliseconds, other text by its units. Throws
 * `RangeError` for anything else, for negative and for infinite values.
 */
export function parseDuration(value: Duration): number {
  const ms = typeof value === 'string' ? parseText(value) : value;
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${show(value)} is not ${DURATION_ACCEPTS}`);
  }
  return ms;
}

function parseText(text: string): number {
  if (DIGITS.test(text)) return Number(text);
  const normal = text.replace(GREEK_MU, '\u00B5');
  if (!TEXT.test(normal)) return Number.NaN;
  const ms = parseUnits(normal) ?? Number.NaN;
  return Number(ms.toPrecision(15)); // 1.001s is 1001 ms, not 1000.9999999999999
}

/** Milliseconds as whole seconds of the wire: rounded up, so never early, and 0 only for 0. */
export function toWireSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
