/** Options of the client from what was typed, or from what a line of JSON says. */
import { InvalidOptionsError, type OptionIssue } from '../../errors.ts';
import type { EnqueueOptions } from '../../task.ts';
import { wrongFlag } from './numbers.ts';

/** The flags that are options of the client. Text as it was typed. */
export interface OptionFlags {
  readonly queue?: string;
  readonly maxRetry?: string;
  readonly timeout?: string;
  readonly deadline?: string;
  readonly processAt?: string;
  readonly processIn?: string;
  readonly taskId?: string;
  readonly retention?: string;
  readonly uniqueFor?: string;
  readonly group?: string;
  readonly replaceArchived?: boolean;
}

const OPTIONS: readonly (keyof OptionFlags)[] = [
  'queue',
  'maxRetry',
  'timeout',
  'deadline',
  'processAt',
  'processIn',
  'taskId',
  'retention',
  'uniqueFor',
  'group',
  'replaceArchived',
];

/** Only what was typed. What cannot be read stays text: the client refuses it and says what it accepts. */
export function enqueueOptions(flags: OptionFlags): EnqueueOptions {
  const typed = OPTIONS.map((name) => [name, readOption(name, flags[name])] as const);
  return Object.fromEntries(typed.filter(([, value]) => value !== undefined));
}

/** The value of an option as the client takes it: texts of numbers and instants are read. */
export function readOption(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (name === 'maxRetry') return /^(\d+|Infinity)$/.test(value) ? Number(value) : value;
  return name === 'deadline' || name === 'processAt' ? readInstant(value) : value;
}

function readInstant(text: string): unknown {
  if (/^\d+$/.test(text)) return Number(text);
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date;
}

/** `name=value` each. */
export function readHeaders(lines: readonly string[]): Record<string, string> {
  const entries = lines.map((line) => {
    const [name, value] = line.split(/=(.*)/s, 2);
    if (name === undefined || name === '' || value === undefined)
      throw wrongFlag('--header', line, 'name=value');
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

/** `maxRetry` as `--max-retry`: the name as the user wrote it. `flagName` renames an option first. */
export function namedAsFlags(
  error: InvalidOptionsError,
  flagName: (option: string) => string = (option) => option,
): InvalidOptionsError {
  const flagOf = (name: string): string =>
    OPTIONS.some((option) => option === name)
      ? `--${flagName(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      : name;
  const issues: OptionIssue[] = error.issues.map((issue) => ({
    ...issue,
    name: flagOf(issue.name),
  }));
  return new InvalidOptionsError(issues);
}
