/** Values as text for people: in error messages, in lists of wrong options. Imports nothing. */

/** A value as text for an error message: quoted, and bounded to 120 characters. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : describeValue(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function describeValue(value: unknown): string {
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (typeof value === 'object' && value !== null) {
    try {
      // A toJSON may answer nothing, whatever the type says.
      const text = JSON.stringify(value) as string | undefined;
      return text ?? '[object]';
    } catch {
      return '[object]'; // circular or with a throwing getter: only its kind can be said
    }
  }
  return String(value);
}

/** One problem with one option: what it is called, what was given, what it accepts. */
export interface OptionIssue {
  /** The name as the user wrote it: an option (`maxRetry`), a flag (`--queues`) or a variable (`QUEUES`). */
  readonly name: string;
  /** What was given. Secrets are replaced before they get here. */
  readonly value: unknown;
  /** What is accepted, e.g. `a whole number from 1 to 1024`. */
  readonly accepts: string;
}

/** One line for one issue, as it is shown to people: `concurrency is "x", accepts a whole number …`. */
export function describeIssue(issue: OptionIssue): string {
  const value = issue.value === undefined ? 'not set' : show(issue.value);
  return `${issue.name} is ${value}, accepts ${issue.accepts}`;
}

/** The value as an Error: itself if it is one, else an Error that shows it. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(`non-error thrown: ${show(value)}`);
}
