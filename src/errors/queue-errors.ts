/** Errors of calls that look at or change queues. */
import { show } from '../show.ts';
import { ThreadmillError } from './base.ts';

/** `ERR_QUEUE_NOT_FOUND`: nobody has enqueued into a queue of this name, or it was removed. */
export class QueueNotFoundError extends ThreadmillError {
  readonly queue: string;

  constructor(queue: string) {
    super(
      'ERR_QUEUE_NOT_FOUND',
      `there is no queue ${show(queue)}: check its name; a queue exists from its first task on`,
    );
    this.queue = queue;
  }
}

/** `ERR_QUEUE_NOT_EMPTY`: the queue holds tasks, so that it is not removed. */
export class QueueNotEmptyError extends ThreadmillError {
  readonly queue: string;

  /** `isActive`: some of them are running, which nothing overrides. */
  constructor(queue: string, isActive: boolean) {
    super(
      'ERR_QUEUE_NOT_EMPTY',
      isActive
        ? `queue ${show(queue)} has running tasks: cancel them, or wait until they have ended`
        : `queue ${show(queue)} holds tasks: delete them, or remove the queue by force`,
    );
    this.queue = queue;
  }
}
