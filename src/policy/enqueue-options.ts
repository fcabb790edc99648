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
import { queueKeys } from '../wire/keys.ts';
import { emptyTaskMessage, messageWith } from '../wire/task-message.ts';
import type { TaskMessage } from '../wire/task-message.ts';
import { toWireSeconds } from './duration.ts';
import { EnqueueChecks, isName, isQueueName } from './enqueue-checks.ts';
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
  /** The lock of a unique task: its whole key, and how many seconds it is held once the task is due. */
  readonly unique?: { readonly key: string; readonly seconds: number };
  readonly group?: string;
  readonly replaceArchived?: boolean;
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
  'replaceArchived',
  'retention',
  'uniqueFor',
  'group',
  'headers',
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
  const plain = preparePlain(task, options, context);
  if (plain !== undefined) return plain;
  const issues: OptionIssue[] = [];
  const checked = isRecord(task) ? check(task, options, context, issues) : notATask(task, issues);
  if (checked === undefined || issues.length > 0) throw new InvalidOptionsError(issues);
  const { lockSeconds, prepared } = checked;
  prepared.message.payload = encodeBounded(task.payload, context.maxPayloadSize);
  return lockSeconds === undefined ? prepared : withLock(prepared, task, lockSeconds);
}

/**
 * Most tasks wish nothing but a queue at most: looking for what they do not wish would cost more than all the rest.
 * `undefined` for any other, and for one that is wrong, which is told elsewhere.
 */
function preparePlain(
  task: NewTask,
  options: EnqueueOptions,
  { newId, maxPayloadSize }: PrepareContext,
): PreparedTask | undefined {
  if (!isRecord(task) || !isRecord(options)) return undefined;
  const { type, definition, headers } = task as NewTask & { readonly definition?: unknown };
  const defined = isTaskDefinition(definition) ? definition.options : NOTHING;
  const { queue = defined.queue ?? DEFAULT_QUEUE } = options;
  if (headers !== undefined || !isName(type) || !isQueueName(queue)) return undefined;
  if (wishesMore(options) || wishesMore(defined)) return undefined;
  for (const name in task) if (!TASK_FIELDS.includes(name)) return undefined;
  for (const name in options) if (name !== 'queue') return undefined;
  const message = messageWith(encodeBounded(task.payload, maxPayloadSize));
  message.type = type;
  message.id = newId();
  message.queue = queue;
  message.retry = DEFAULT_MAX_RETRY;
  message.timeout = toWireSeconds(DEFAULT_TIMEOUT_MS);
  return { taskId: message.id, queue, message };
}

const NOTHING: EnqueueOptions = {};

/** Anything but a queue. Also what is no property of its own counts, such as a getter of a class. */
function wishesMore(options: EnqueueOptions): boolean {
  return (
    options.maxRetry !== undefined ||
    options.timeout !== undefined ||
    options.deadline !== undefined ||
    options.processAt !== undefined ||
    options.processIn !== undefined ||
    options.taskId !== undefined ||
    options.replaceArchived !== undefined ||
    options.retention !== undefined ||
    options.uniqueFor !== undefined ||
    options.group !== undefined ||
    options.headers !== undefined
  );
}

interface CheckedTask {
  readonly prepared: PreparedTask;
  readonly lockSeconds: number | undefined;
}

/** Under construction. Every task passes here: what few of them have is added, so that the others cost no copies. */
export type Growing<Value> = { -readonly [Name in keyof Value]: Value[Name] };

function check(
  task: NewTask,
  options: EnqueueOptions,
  context: PrepareContext,
  issues: OptionIssue[],
): CheckedTask {
  const checks = new EnqueueChecks(issues);
  refuseUnknownFields(task, issues);
  const given = mergeOptions(task, options, issues);
  const queue = checks.queue(given('queue')) ?? DEFAULT_QUEUE;
  const taskId = checks.name(given('taskId')) ?? context.newId();
  const when = whenOf(given, checks, issues);
  const group = groupOf(given, checks, when, issues);
  const message = emptyTaskMessage();
  message.type = checks.type(task.type);
  message.id = taskId;
  message.queue = queue;
  message.headers = headersOf(checks, task.headers, given('headers')?.value);
  message.retry = checks.maxRetry(given('maxRetry')) ?? DEFAULT_MAX_RETRY;
  const bounds = boundsOf(given, checks);
  message.timeout = bounds.timeout;
  message.deadline = bounds.deadline;
  message.retention = checks.seconds(given('retention')) ?? 0;
  message.groupKey = group ?? '';
  const prepared: Growing<PreparedTask> = { taskId, queue, message };
  if (when !== undefined) prepared.when = when;
  if (group !== undefined) prepared.group = group;
  if (checks.flag(given('replaceArchived')) === true) prepared.replaceArchived = true;
  return { prepared, lockSeconds: checks.lockSeconds(given('uniqueFor')) };
}

function headersOf(checks: EnqueueChecks, own: unknown, added: unknown): Record<string, string> {
  const headers = checks.headers(own);
  return added === undefined ? headers : { ...headers, ...checks.headers(added) };
}

/** The message keeps the lock's key, since no payload and an empty one look alike there but have different locks. */
function withLock(prepared: PreparedTask, { payload }: NewTask, seconds: number): PreparedTask {
  const { message, queue } = prepared;
  const bytes = payload === undefined ? undefined : message.payload;
  const key = queueKeys(queue).unique(message.type, bytes);
  message.uniqueKey = key;
  return { ...prepared, unique: { key, seconds } };
}

/**
 * A group's name. asynq stores a task with group and delay as scheduled only, without noting the group where its servers
 * would look for it, and then runs it by itself (D5): better refused here than found out there.
 */
function groupOf(
  given: Given,
  checks: EnqueueChecks,
  when: EnqueueWhen | undefined,
  issues: OptionIssue[],
): string | undefined {
  const option = given('group');
  const group = checks.name(option);
  if (option !== undefined && group !== undefined && when !== undefined) {
    const accepts = 'nothing beside processAt or processIn: a scheduled task does not join a group';
    issues.push({ ...option, accepts });
  }
  return group;
}

function notATask(task: unknown, issues: OptionIssue[]): undefined {
  issues.push({ name: 'task', value: task, accepts: 'an object with a type: { type, payload }' });
  return undefined;
}

/** A misplaced option would be ignored in silence, and the task run with defaults. */
function refuseUnknownFields(task: object, issues: OptionIssue[]): void {
  for (const name of Object.keys(task)) {
    if (TASK_FIELDS.includes(name)) continue;
    const value: unknown = Reflect.get(task, name);
    if (value === undefined) continue;
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
  for (const name of Object.keys(options)) {
    if ((OPTION_NAMES as readonly string[]).includes(name)) continue;
    const value = options[name];
    if (value === undefined) continue;
    issues.push({ name, value, accepts: unknownOption(name, OPTION_NAMES) });
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

/** The payload as bytes; throws `NotSerializableError`, and `PayloadTooLargeError` over `limit` bytes. */
export function encodeBounded(payload: unknown, limit: number): Uint8Array {
  const bytes = encodePayload(payload);
  if (bytes.length > limit) throw new PayloadTooLargeError('payload', bytes.length, limit);
  return bytes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
