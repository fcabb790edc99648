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
}

/** The facts as `TaskInfo`. What is not set is absent. */
export function taskInfo({ message, state, dueAt, result }: TaskFacts): TaskInfo {
  return {
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
    ...(message.errorMsg === '' ? {} : { lastError: message.errorMsg }),
    ...instant('lastFailedAt', message.lastFailedAt),
    ...instant('deadline', message.deadline),
    ...instant('completedAt', message.completedAt),
    ...(dueAt === undefined ? {} : { nextProcessAt: new Date(dueAt) }),
    ...(result === undefined ? {} : { result }),
  };
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

function instant<Name extends string>(name: Name, seconds: number): { [key in Name]?: Date } {
  if (seconds === 0) return {};
  const bounded = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, seconds));
  return { [name]: new Date(bounded * 1000) } as { [key in Name]?: Date };
}
