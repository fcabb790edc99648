/** Errors of calls that look at or change single tasks. */
import { show } from '../show.ts';
import { ThreadmillError } from './base.ts';

/** `ERR_TASK_ID_CONFLICT`: a task with this ID exists in this queue, in whatever state. */
export class TaskIdConflictError extends ThreadmillError {
  readonly taskId: string;
  readonly queue: string;
  /** The state of the task that is there; absent when that could not be read. */
  readonly state?: string;

  constructor(taskId: string, queue: string, state?: string) {
    const isOver = state === 'archived' || state === 'completed';
    super(
      'ERR_TASK_ID_CONFLICT',
      `task ID ${show(taskId)} conflicts with another task in queue ${show(queue)}: ${
        isOver
          ? `it is ${state}; enqueue with replaceArchived to take its place, or use another taskId`
          : 'use another taskId, or delete that task first'
      }`,
    );
    this.taskId = taskId;
    this.queue = queue;
    if (state !== undefined) this.state = state;
  }
}

/**
 * `ERR_DUPLICATE_TASK`: another unique task of this type and payload holds the lock in this queue. That it is
 * `existingTaskId` = the `taskId` of this call says that the task itself is there: it was enqueued before.
 */
export class DuplicateTaskError extends ThreadmillError {
  readonly queue: string;
  readonly type: string;
  /** The task that holds the lock; absent when that could not be read. */
  readonly existingTaskId?: string;

  constructor(type: string, queue: string, existingTaskId?: string) {
    const held = existingTaskId === undefined ? '' : ` (${show(existingTaskId)})`;
    super(
      'ERR_DUPLICATE_TASK',
      `a unique task of type ${show(type)} with this payload exists in queue ${show(queue)}${held}: wait until it has succeeded, or delete it`,
    );
    this.type = type;
    this.queue = queue;
    if (existingTaskId !== undefined) this.existingTaskId = existingTaskId;
  }
}

/** `ERR_TASK_NOT_FOUND`: the queue holds no task with this ID. */
export class TaskNotFoundError extends ThreadmillError {
  readonly taskId: string;
  readonly queue: string;

  constructor(taskId: string, queue: string) {
    super(
      'ERR_TASK_NOT_FOUND',
      `queue ${show(queue)} holds no task ${show(taskId)}: it has succeeded without a retention, was deleted, or is in another queue`,
    );
    this.taskId = taskId;
    this.queue = queue;
  }
}

/** `ERR_TASK_STATE`: the task is in a state in which this cannot be done with it. */
export class TaskStateError extends ThreadmillError {
  readonly taskId: string;
  readonly queue: string;
  readonly state: string;

  /** `act`: what was asked, as in `archive`; `hint`: what to do instead. */
  constructor(
    act: string,
    { taskId, queue, state }: { taskId: string; queue: string; state: string },
    hint: string,
  ) {
    super(
      'ERR_TASK_STATE',
      `cannot ${act} task ${show(taskId)} of queue ${show(queue)} while it is ${state}: ${hint}`,
    );
    this.taskId = taskId;
    this.queue = queue;
    this.state = state;
  }
}
