/**
 * What a producer hands in, checked and made ready for the wire: defaults, a task definition's options under those of
 * the call, all problems reported at once (protocol, section 15).
 */
import { InvalidOptionsError, PayloadTooLargeError } from '../errors.ts';
import type { OptionIssue } from '../errors.ts';
import { isTaskDefinition } from '../handler.ts';
import { encodePayload } from '../payload.ts';
import { DEFAULT_MAX_RETRY, DEFAULT_QUEUE, DEFAULT_TIMEOUT_MS } from '../task.ts';
import type { EnqueueOptions, NewTask } from '../task.ts';
import { emptyTaskMessage } from '../wire/task-message.ts';
import type { TaskMessage } from '../wire/task-message.ts';
import { toWireSeconds } from './duration.ts';
import { EnqueueChecks } from './enqueue-checks.ts';
import type { Named } from './enqueue-checks.ts';
import { unknownOption } from './suggest.ts';

/** When a task becomes due: at an instant (milliseconds since 1970), or after some milliseconds by Redis's clock. */
export type EnqueueWhen = { readonly at: number } | { readonly in: number };

/** A checked task, ready to be encoded and sent. */
export interface PreparedTask {
  readonly taskId: string;
  readonly queue: string;
  readonly message: TaskMessage;
  /** Absent = at once. */
  readonly when?: EnqueueWhen;
}

/** What preparing needs from its surroundings. */
export interface PrepareContext {
  /** Makes the ID of a task that was given none. */
  readonly newId: () => string;
  /** Largest encoded payload in bytes. */
  readonly maxPayloadSize: number;
}

/** Every option of an enqueue call. */
const OPTION_NAMES: readonly (keyof EnqueueOptions)[] = [
  'queue',
  'maxRetry',
  'timeout',
  'deadline',
  'processAt',
  'processIn',
  'taskId',
  'retention',
];

/** What a task may hold beside its options. */
const TASK_FIELDS: readonly string[] = ['type', 'payload', 'headers', 'definition'];

/**
 * Checks a task and its options and makes the message. Throws `InvalidOptionsError` with every problem found;
 * `NotSerializableError` or `PayloadTooLargeError` when only the payload is wrong. A definition's schema is not looked
 * at here, since it may answer asynchronously.
 */
export function prepareEnqueue(
  task: NewTask,
  options: EnqueueOptions,
  context: PrepareContext,
): PreparedTask {
  const issues: OptionIssue[] = [];
  const prepared = isRecord(task)
    ? prepare(task, options, context, issues)
    : notATask(task, issues);
  if (prepared === undefined || issues.length > 0) throw new InvalidOptionsError(issues);
  prepared.message.payload = encodeBounded(task.payload, context.maxPayloadSize);
  return prepared;
}

function prepare(
  task: NewTask,
  options: EnqueueOptions,
  context: PrepareContext,
  issues: OptionIssue[],
): PreparedTask {
  const checks = new EnqueueChecks(issues);
  refuseUnknownFields(task, issues);
  const given = mergeOptions(task, options, issues);
  const queue = checks.queue(given('queue')) ?? DEFAULT_QUEUE;
  const taskId = checks.name(given('taskId')) ?? context.newId();
  const when = whenOf(given, checks, issues);
  const message: TaskMessage = {
    ...emptyTaskMessage(),
    type: checks.type(task.type),
    id: taskId,
    queue,
    headers: checks.headers(task.headers),
    retry: checks.maxRetry(given('maxRetry')) ?? DEFAULT_MAX_RETRY,
    ...boundsOf(given, checks),
    retention: checks.seconds(given('retention')) ?? 0,
  };
  return { taskId, queue, message, ...(when === undefined ? {} : { when }) };
}

function notATask(task: unknown, issues: OptionIssue[]): undefined {
  issues.push({ name: 'task', value: task, accepts: 'an object with a type: { type, payload }' });
  return undefined;
}

/** A misplaced option would be ignored in silence, and the task run with defaults. */
function refuseUnknownFields(task: object, issues: OptionIssue[]): void {
  for (const [name, value] of Object.entries(task)) {
    if (TASK_FIELDS.includes(name) || value === undefined) continue;
    const accepts = (OPTION_NAMES as readonly string[]).includes(name)
      ? 'nothing here: it belongs into the options, the second argument'
      : unknownOption(name, TASK_FIELDS.slice(0, 3));
    issues.push({ name: `task.${name}`, value, accepts });
  }
}

/** Looks an option up, with the name under which the user wrote it; `undefined` when it was not given. */
type Given = (name: keyof EnqueueOptions) => Named | undefined;

function mergeOptions(task: NewTask, options: unknown, issues: OptionIssue[]): Given {
  const call = optionsOf(options, issues);
  const { definition } = task as { readonly definition?: unknown };
  const defined: EnqueueOptions = isTaskDefinition(definition) ? definition.options : {};
  return (name) => {
    if (call[name] !== undefined) return { name, value: call[name] };
    if (defined[name] === undefined) return undefined;
    return { name: name === 'maxRetry' ? 'retries' : name, value: defined[name] }; // as `defineTask` calls it
  };
}

function optionsOf(options: unknown, issues: OptionIssue[]): Partial<Record<string, unknown>> {
  if (options === undefined) return {};
  if (!isRecord(options)) {
    issues.push({ name: 'options', value: options, accepts: 'an object' });
    return {};
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !(OPTION_NAMES as readonly string[]).includes(name)) {
      issues.push({ name, value, accepts: unknownOption(name, OPTION_NAMES) });
    }
  }
  return options;
}

function whenOf(
  given: Given,
  checks: EnqueueChecks,
  issues: OptionIssue[],
): EnqueueWhen | undefined {
  const processAt = given('processAt');
  const processIn = given('processIn');
  if (processAt !== undefined && processIn !== undefined) {
    const accepts = 'nothing beside processAt: give one of the two';
    issues.push({ name: processIn.name, value: processIn.value, accepts });
  }
  const at = checks.instantMs(processAt);
  if (at !== undefined) return { at };
  const delayMs = checks.delayMs(processIn);
  return delayMs === undefined || delayMs === 0 ? undefined : { in: delayMs };
}

/**
 * Timeout and deadline in seconds. As in asynq a message never leaves with neither: its servers would log an internal
 * error, and take 30 minutes all the same.
 */
function boundsOf(given: Given, checks: EnqueueChecks): Pick<TaskMessage, 'timeout' | 'deadline'> {
  const timeout = checks.seconds(given('timeout')) ?? 0;
  const deadlineMs = checks.instantMs(given('deadline'));
  const deadline = deadlineMs === undefined ? 0 : toWireSeconds(deadlineMs);
  if (timeout === 0 && deadline === 0)
    return { timeout: toWireSeconds(DEFAULT_TIMEOUT_MS), deadline };
  return { timeout, deadline };
}

function encodeBounded(payload: unknown, limit: number): Uint8Array {
  const bytes = encodePayload(payload);
  if (bytes.length > limit) throw new PayloadTooLargeError('payload', bytes.length, limit);
  return bytes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
