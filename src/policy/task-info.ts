/** The public view of a task: milliseconds, Dates and `Infinity` where the wire has seconds, 0 and 2147483647. */
import type { TaskInfo, TaskState } from '../task.ts';
import type { TaskMessage } from '../wire/task-message.ts';
import { retriesFromWire } from './retries.ts';

/** A task as it was read or written. */
export interface TaskFacts {
  readonly message: TaskMessage;
  readonly state: TaskState;
  /** When a scheduled or retried task becomes due, in milliseconds since 1970. */
  readonly dueAt?: number | undefined;
  readonly result?: Uint8Array | undefined;
  readonly progress?: unknown;
}

/** Under construction. */
type Growing<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** The facts as `TaskInfo`. What is not set is absent. Every task that is enqueued passes here: no spreads, no copies. */
export function taskInfo({ message, state, dueAt, result, progress }: TaskFacts): TaskInfo {
  const info: Growing<TaskInfo> = {
    id: message.id,
    type: message.type,
    queue: message.queue,
    payload: message.payload,
    headers: message.headers,
    state,
    maxRetry: retriesFromWire(message.retry),
    retried: message.retried,
    timeout: message.timeout * 1000,
    retention: message.retention * 1000,
  };
  if (message.errorMsg !== '') info.lastError = message.errorMsg;
  if (message.lastFailedAt !== 0) info.lastFailedAt = instant(message.lastFailedAt);
  if (message.deadline !== 0) info.deadline = instant(message.deadline);
  if (message.completedAt !== 0) info.completedAt = instant(message.completedAt);
  if (dueAt !== undefined) info.nextProcessAt = new Date(dueAt);
  if (message.groupKey !== '') info.group = message.groupKey;
  if (result !== undefined) info.result = result;
  if (progress !== undefined) info.progress = progress;
  return info;
}

const STATES: ReadonlySet<string> = new Set<TaskState>([
  'active',
  'pending',
  'scheduled',
  'retry',
  'archived',
  'completed',
  'aggregating',
]);

/** Whether the text is the name of a state, as the hash field `state` should be. */
export function isTaskState(text: string): text is TaskState {
  return STATES.has(text);
}

/** Farthest instant a Date can hold, in seconds; foreign messages may say more. */
const LAST_SECOND = 8_640_000_000_000;

function instant(seconds: number): Date {
  return new Date(Math.max(-LAST_SECOND, Math.min(LAST_SECOND, seconds)) * 1000);
}
