/** The fields of one declared periodic task, each checked by itself. */
import { InvalidOptionsError, type OptionIssue, ThreadmillError } from '../errors.ts';
import { isTaskDefinition } from '../handler.ts';
import { encodePayload } from '../payload.ts';
import type { Duration, EnqueueOptions, Headers, NewTask } from '../task.ts';
import { CRON_ACCEPTS, checkZone, parseCron, type Ticks, ZONE_ACCEPTS } from './cron.ts';
import { DURATION_ACCEPTS, parseDuration } from './duration.ts';
import { prepareEnqueue } from './enqueue-options.ts';
import { optionStrings } from './option-strings.ts';
import type { MissedPolicy } from './schedule.ts';
import type { PreparedEntry, ScheduleEntry } from './schedule-entry.ts';
import { unknownOption } from './suggest.ts';

const FIELDS: readonly (keyof ScheduleEntry)[] = [
  'name',
  'spec',
  'task',
  'options',
  'timeZone',
  'jitter',
  'startAt',
  'endAt',
  'missed',
];
const LONGEST_JITTER_MS = 86_400_000;
const MOST_MISSED = 1_000;
/** The last instant of a Date. */
export const NEVER_MS = 8.64e15;

/** Each check notes an issue and answers `undefined` for what is wrong or not given. */
export class ScheduleChecks {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #issues: OptionIssue[];

  constructor(given: Readonly<Record<string, unknown>>, where: string, issues: OptionIssue[]) {
    this.#given = given;
    this.#where = where;
    this.#issues = issues;
  }

  refuseUnknown(): void {
    for (const [field, value] of Object.entries(this.#given)) {
      if (value === undefined || (FIELDS as readonly string[]).includes(field)) continue;
      this.#refuse(field, unknownOption(field, FIELDS));
    }
  }

  name(): string | undefined {
    const { name } = this.#given;
    if (name === undefined) return undefined;
    if (typeof name === 'string' && name.trim() !== '') return name;
    return this.#refuse('name', 'text that is not blank');
  }

  instant(field: 'startAt' | 'endAt'): number | undefined {
    const value = this.#given[field];
    if (value === undefined) return undefined;
    const ms = value instanceof Date ? value.getTime() : value;
    if (typeof ms === 'number' && ms >= 0 && ms <= NEVER_MS) return ms;
    return this.#refuse(field, 'a valid Date or milliseconds since 1970');
  }

  zone(byDefault: string): string | undefined {
    const zone = this.#given['timeZone'] ?? byDefault;
    try {
      if (typeof zone !== 'string') throw new RangeError();
      checkZone(zone);
      return zone;
    } catch {
      return this.#refuse('timeZone', ZONE_ACCEPTS);
    }
  }

  spec(): string | undefined {
    const { spec } = this.#given;
    if (typeof spec === 'string' && spec.trim() !== '') return spec.trim();
    return this.#refuse('spec', CRON_ACCEPTS);
  }

  ticks(spec: string, timeZone: string, startAtMs: number | undefined): Ticks | undefined {
    try {
      const ticks = parseCron(spec, {
        timeZone,
        ...(startAtMs === undefined ? {} : { anchorMs: startAtMs }),
      });
      if (ticks.nextAfter(startAtMs ?? 0) !== undefined) return ticks;
      return this.#refuse('spec', 'a spec that comes at some time');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#issues.push({ name: `${this.#where}.spec`, value: spec, accepts: reasonOf(error) });
      return undefined;
    }
  }

  jitter(): number | undefined {
    const { jitter } = this.#given;
    if (jitter === undefined) return undefined;
    try {
      const ms = parseDuration(jitter as Duration);
      if (ms <= LONGEST_JITTER_MS) return Math.floor(ms);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return this.#refuse('jitter', `${DURATION_ACCEPTS}, at most 24h`);
  }

  missed(): MissedPolicy | undefined {
    const { missed } = this.#given;
    if (missed === undefined || missed === 'skip' || missed === 'once') return missed;
    const all = isRecord(missed) && Object.keys(missed).length === 1 ? missed['all'] : undefined;
    if (typeof all === 'number' && Number.isInteger(all) && all >= 1 && all <= MOST_MISSED) {
      return { all };
    }
    return this.#refuse('missed', `'skip', 'once', or { all: n } with n from 1 to ${MOST_MISSED}`);
  }

  /** As `enqueue` would check it. */
  task(maxPayloadSize: number): PreparedEntry | undefined {
    const task = this.#given['task'] as NewTask;
    const options = (this.#given['options'] ?? {}) as EnqueueOptions;
    if (isRecord(options) && options.taskId !== undefined) {
      const accepts = 'nothing: the ID of each task is made of the entry and its tick';
      this.#issues.push({ name: `${this.#where}.options.taskId`, value: options.taskId, accepts });
      return undefined;
    }
    try {
      const { queue } = prepareEnqueue(task, options, { newId: () => 'tick', maxPayloadSize });
      const { headers } = options as { readonly headers?: Headers };
      const all = { ...definedOptions(task), ...options };
      const strings = optionStrings(all, { ...task.headers, ...headers });
      return { task, options, queue, payload: encodePayload(task.payload), optionStrings: strings };
    } catch (error) {
      if (!(error instanceof ThreadmillError)) throw error;
      this.#refuseTask(error);
      return undefined;
    }
  }

  #refuseTask(error: ThreadmillError): void {
    if (!(error instanceof InvalidOptionsError)) {
      this.#refuse('task', error.message);
      return;
    }
    for (const issue of error.issues) {
      const isTask = /^(?:task|type|headers)\b/.test(issue.name);
      const name = issue.name.replace(/^task\.?/, '');
      const path = [this.#where, isTask ? 'task' : 'options', name].filter((part) => part !== '');
      this.#issues.push({ ...issue, name: path.join('.') });
    }
  }

  #refuse(field: string, accepts: string): undefined {
    this.#issues.push({ name: `${this.#where}.${field}`, value: this.#given[field], accepts });
    return undefined;
  }
}

function definedOptions(task: NewTask): EnqueueOptions {
  const { definition } = task as { readonly definition?: unknown };
  return isTaskDefinition(definition) ? definition.options : {};
}

/** The issue shows the value already. */
function reasonOf(error: RangeError): string {
  return error.message.replace(/^.* is not (?=a cron spec|an IANA|whole seconds)/, '');
}

/** Whether it is an object with names, no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
