/** The checks of single enqueue options. Each answers the value as the wire wants it, or notes an issue. */
import type { OptionIssue } from '../errors.ts';
import { isWellFormed } from '../payload.ts';
import { MAX_RETRY_FOREVER } from '../task.ts';
import { DURATION_ACCEPTS, parseDuration, toWireSeconds } from './duration.ts';

/** A value with the name under which the user gave it. */
export interface Named {
  readonly name: string;
  readonly value: unknown;
}

/** Go keeps durations as nanoseconds in 63 bits: more seconds than these would overflow in a Go peer. */
const MAX_WIRE_SECONDS = 9_223_372_036;
/** The end of the year 9999, the last that every peer and tool can print. */
const LAST_INSTANT_MS = 253_402_300_799_000;

const NAME_ACCEPTS = 'text that is not blank and has no lone surrogates';

/** Collects issues; every check answers `undefined` (or an empty value) for what was not given or is wrong. */
export class EnqueueChecks {
  readonly #issues: OptionIssue[];

  constructor(issues: OptionIssue[]) {
    this.#issues = issues;
  }

  /** A task type: required. */
  type(value: unknown): string {
    return this.name({ name: 'type', value }) ?? '';
  }

  /** Any name: not blank, well-formed. */
  name(given: Named | undefined): string | undefined {
    if (given === undefined) return undefined;
    return isName(given.value) ? given.value : this.#refuse(given, NAME_ACCEPTS);
  }

  /** A queue name. Braces would change the hash tag of its keys (protocol trap 33). */
  queue(given: Named | undefined): string | undefined {
    if (given === undefined) return undefined;
    const { value } = given;
    if (isQueueName(value)) return value;
    return this.#refuse(given, `${NAME_ACCEPTS}, and without { and }`);
  }

  /** A whole number of retries; `Infinity` becomes the largest the wire can hold. */
  maxRetry(given: Named | undefined): number | undefined {
    if (given === undefined) return undefined;
    const { value } = given;
    if (value === Number.POSITIVE_INFINITY) return MAX_RETRY_FOREVER;
    if (isWholeNumber(value) && value <= MAX_RETRY_FOREVER) return value;
    return this.#refuse(given, `a whole number from 0 to ${MAX_RETRY_FOREVER}, or Infinity`);
  }

  /** A duration in milliseconds, as long as its seconds fit the wire. */
  delayMs(given: Named | undefined): number | undefined {
    if (given === undefined) return undefined;
    const ms = tryParseDuration(given.value);
    if (ms === undefined) return this.#refuse(given, DURATION_ACCEPTS);
    if (toWireSeconds(ms) <= MAX_WIRE_SECONDS) return ms;
    return this.#refuse(given, `a duration of at most ${MAX_WIRE_SECONDS} seconds (292 years)`);
  }

  /** A duration in whole seconds, rounded up. */
  seconds(given: Named | undefined): number | undefined {
    const ms = this.delayMs(given);
    return ms === undefined ? undefined : toWireSeconds(ms);
  }

  /** For how long a lock is held, in whole seconds, rounded up. asynq takes none of under 1 s. */
  lockSeconds(given: Named | undefined): number | undefined {
    const ms = this.delayMs(given);
    if (given === undefined || ms === undefined) return undefined;
    return ms >= 1000 ? toWireSeconds(ms) : this.#refuse(given, 'a duration of at least 1s');
  }

  /** `true` or `false`. */
  flag(given: Named | undefined): boolean | undefined {
    if (given === undefined) return undefined;
    const { value } = given;
    return typeof value === 'boolean' ? value : this.#refuse(given, 'true or false');
  }

  /** Nothing but `true`. */
  yes(given: Named | undefined): void {
    if (given !== undefined && given.value !== true) this.#refuse(given, 'true');
  }

  /** An instant in milliseconds since 1970. */
  instantMs(given: Named | undefined): number | undefined {
    if (given === undefined) return undefined;
    const { value } = given;
    const ms = value instanceof Date ? value.getTime() : value;
    if (typeof ms === 'number' && ms > 0 && ms <= LAST_INSTANT_MS) return ms;
    return this.#refuse(given, 'a valid Date or milliseconds since 1970, up to the year 9999');
  }

  /** Headers: an object of strings. Copied, since the caller may change theirs. */
  headers(value: unknown): Record<string, string> {
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#refuse({ name: 'headers', value }, 'an object whose values are strings');
      return {};
    }
    const entries = Object.entries(value).filter(([key, text]) => this.#isHeader(key, text));
    return Object.fromEntries(entries);
  }

  #isHeader(key: string, value: unknown): boolean {
    const given = { name: `headers.${key}`, value };
    if (typeof value !== 'string') this.#refuse(given, 'a string');
    else if (!isWellFormed(key)) this.#refuse(given, 'a name without lone surrogates');
    else if (!isWellFormed(value)) this.#refuse(given, 'a string without lone surrogates');
    else return true;
    return false;
  }

  #refuse({ name, value }: Named, accepts: string): undefined {
    this.#issues.push({ name, value, accepts });
    return undefined;
  }
}

/** Whether it can be the name of a type, a task or a group. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && isWellFormed(value);
}

/** Whether it can be the name of a queue. */
export function isQueueName(value: unknown): value is string {
  return isName(value) && !value.includes('{') && !value.includes('}');
}

function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function tryParseDuration(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  try {
    return parseDuration(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
