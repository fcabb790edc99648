/** Decides which tasks an operator means. */
import { isDeepStrictEqual } from 'node:util';
import type { OptionIssue } from '../errors.ts';
import type { TaskState } from '../task.ts';
import type { TaskMessage } from '../wire/task-message.ts';

/** All conditions that are given must hold. */
export interface TaskFilter {
  /** The task type: exactly this, or with a `*` at its end every type that begins so. */
  readonly type?: string;
  /** Text that the last error contains. */
  readonly error?: string;
  /** A field of the JSON payload, by its path (`user.id`), and the value it must have. */
  readonly payload?: { readonly path: string; readonly equals: unknown };
  /**
   * At least so old, in milliseconds: since it was enqueued (pending), began (active), failed last (retry), was archived,
   * was completed, was added to its group; scheduled tasks: so long overdue.
   */
  readonly olderThanMs?: number;
}

/** A task as the filter sees it. */
export interface FilterFacts {
  readonly message: TaskMessage;
  /** Since when its age counts, in milliseconds since 1970; `undefined` when nobody knows. */
  readonly since: number | undefined;
  /** By the same clock. */
  readonly now: number;
}

type Test = (facts: FilterFacts) => boolean;

const NAMES: ReadonlySet<string> = new Set(['type', 'error', 'payload', 'olderThanMs']);

/** What is wrong with a filter. */
export function checkFilter(filter: TaskFilter): OptionIssue[] {
  const issues: OptionIssue[] = [];
  const refuse = (name: string, value: unknown, accepts: string): void => {
    issues.push({ name: `filter.${name}`, value, accepts });
  };
  if (typeof filter !== 'object' || filter === null) {
    return [{ name: 'filter', value: filter, accepts: 'an object' }];
  }
  const { type, error, payload, olderThanMs } = filter;
  for (const [name, value] of Object.entries(filter)) {
    if (!NAMES.has(name)) refuse(name, value, `one of ${[...NAMES].join(', ')}`);
    // A condition that a mistake left without value must not widen what is deleted, say.
    else if (value === undefined)
      refuse(name, value, 'a value; leave the name out for no condition');
  }
  if (type !== undefined && !isText(type)) refuse('type', type, 'text that is not empty');
  if (error !== undefined && !isText(error)) refuse('error', error, 'text that is not empty');
  if (payload !== undefined && !isText((payload as { path?: unknown } | null)?.path)) {
    refuse('payload', payload, 'an object with a path and what the field there equals');
  } else if (payload !== undefined && !isComparable(payload.equals)) {
    refuse('payload.equals', payload.equals, 'what JSON can hold, whole numbers up to 2^53 - 1');
  }
  if (olderThanMs !== undefined && !(Number.isFinite(olderThanMs) && olderThanMs >= 0)) {
    refuse('olderThanMs', olderThanMs, 'milliseconds, 0 or more');
  }
  return issues;
}

/** Larger whole numbers are rounded when they are parsed, so that others would equal them too. */
function isComparable(value: unknown): boolean {
  return (
    value !== undefined && !(typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Whether the filter lets a task through; `undefined` for a filter without conditions. */
export function compileFilter(filter: TaskFilter | undefined): Test | undefined {
  const tests = filter === undefined ? [] : testsOf(filter);
  return tests.length === 0 ? undefined : (facts) => tests.every((test) => test(facts));
}

function testsOf({ type, error, payload, olderThanMs }: TaskFilter): Test[] {
  const tests: Test[] = [];
  if (type !== undefined) tests.push(typeTest(type));
  // An age that nobody knows is none: better one task too few than one too many.
  if (olderThanMs !== undefined) {
    tests.push(({ since, now }) => since !== undefined && now - since >= olderThanMs);
  }
  if (error !== undefined) tests.push(({ message }) => message.errorMsg.includes(error));
  if (payload !== undefined) tests.push(payloadTest(payload.path.split('.'), payload.equals));
  return tests;
}

function typeTest(type: string): Test {
  if (!type.endsWith('*')) return ({ message }) => message.type === type;
  const beginning = type.slice(0, -1);
  return ({ message }) => message.type.startsWith(beginning);
}

function payloadTest(path: readonly string[], wanted: unknown): Test {
  return ({ message }) => isDeepStrictEqual(fieldAt(parseJson(message.payload), path), wanted);
}

/** Own properties only: `length` of a text, say, is no field. `undefined` where there is none. */
function fieldAt(value: unknown, path: readonly string[]): unknown {
  let field = value;
  for (const name of path) {
    if (typeof field !== 'object' || field === null || !Object.hasOwn(field, name))
      return undefined;
    field = (field as Record<string, unknown>)[name];
  }
  return field;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return undefined; // not JSON: no field of it equals anything
  }
}

/** Since when a task's age counts (see `TaskFilter.olderThanMs`), from its message and its place. */
export function ageSince(
  state: TaskState,
  {
    message,
    score,
    pendingSince,
  }: {
    readonly message: TaskMessage;
    /** Of its entry, in seconds. */
    readonly score: number | undefined;
    readonly pendingSince: number | undefined;
  },
): number | undefined {
  switch (state) {
    case 'pending':
      return pendingSince;
    case 'retry':
      return known(message.lastFailedAt);
    case 'completed':
      return known(message.completedAt);
    case 'active':
      return undefined; // the servers know
    default:
      return score === undefined ? undefined : score * 1000;
  }
}

function known(seconds: number): number | undefined {
  return seconds === 0 ? undefined : seconds * 1000;
}
