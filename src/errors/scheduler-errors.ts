/** Errors of the scheduler. */
import { ThreadmillError } from './base.ts';

/** `ERR_SCHEDULER_STATE`: a call that the scheduler's state does not allow, e.g. `start()` after `stop()`. */
export class SchedulerStateError extends ThreadmillError {
  constructor(call: string, state: string) {
    super(
      'ERR_SCHEDULER_STATE',
      `${call} is not possible: the scheduler is ${state}; make a new one`,
    );
  }
}
