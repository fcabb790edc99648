/**
 * Payload schemas of the bundled handlers, by hand, in the form of Standard Schema: a payload that does not fit is
 * archived at once with the issues listed. Names that begin with `_` are no handlers.
 *
 * The bundled handlers read and write the local files that the producer names, with the rights of this process: give
 * access to the queue only to producers that may do that.
 */
import { isAbsolute } from 'node:path';
import type { SchemaIssue, StandardSchema } from '../../src/standard-schema.ts';

/** One field: its value when it fits, else what it accepts. */
export type Field<Value> = (
  value: unknown,
) =>
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly accepts: string };

/** A schema for an object with these fields; others are dropped, since a newer producer may send more. */
export function payloadSchema<Payload extends object>(
  fields: {
    readonly [Key in keyof Payload]: Field<Payload[Key]>;
  },
): StandardSchema<unknown, Payload> {
  const entries = Object.entries(fields) as [string, Field<unknown>][];
  return {
    '~standard': {
      version: 1,
      vendor: 'threadmill',
      validate: (value) => {
        if (!isRecord(value)) return { issues: [{ message: 'expected a JSON object' }] };
        const issues: SchemaIssue[] = [];
        const result: Record<string, unknown> = {};
        for (const [name, field] of entries) {
          const checked = field(value[name]);
          if (checked.ok) result[name] = checked.value;
          else issues.push({ message: `expected ${checked.accepts}`, path: [name] });
        }
        return issues.length > 0 ? { issues } : { value: result as Payload };
      },
    },
  };
}

/** An absolute path: producer and runtime need not share a working folder. */
export function absolutePath(): Field<string> {
  return (value) =>
    typeof value === 'string' && isAbsolute(value) && !value.includes('\0')
      ? { ok: true, value }
      : { ok: false, accepts: 'an absolute path' };
}

/** A whole number within bounds, both included; `fallback` when it is left out. */
export function wholeNumber(min: number, max: number, fallback?: number): Field<number> {
  return (given) => {
    const value = given === undefined ? fallback : given;
    return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? { ok: true, value }
      : { ok: false, accepts: `a whole number from ${min} to ${max}` };
  };
}

/** One of a few words. */
export function oneOf<Choice extends string>(...choices: readonly Choice[]): Field<Choice> {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    return found === undefined
      ? { ok: false, accepts: `one of ${choices.join(', ')}` }
      : { ok: true, value: found };
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
