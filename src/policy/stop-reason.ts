/** Why a run is stopped: the error text and the error of each reason, as the protocol and the README name them. */
import { TaskCanceledError } from '../errors.ts';
import type { StopReason } from '../threads/messages.ts';

/**
 * Why a thread that will not end was to end: to stop its task, or because it is one of several of which one did something
 * that nobody can pin on it (`suspect`).
 */
export type StuckReason = StopReason | 'suspect';

/**
 * Error text per reason. A cancel request, a timeout and a deadline say what asynq says (protocol 12.2 and 16.5), so
 * that its tools show the same words for both kinds of server.
 */
const TEXTS: Readonly<Record<StopReason, string>> = {
  canceled: 'context canceled',
  timeout: 'context deadline exceeded',
  deadline: 'context deadline exceeded',
  lease_lost: 'asynq: task lease expired',
  heartbeat_missed: 'handler heartbeat missed',
  memory: 'memory limit exceeded',
  shutdown: 'server shut down',
};

/** The error of a run that was stopped for this reason. */
export function stopError(reason: StopReason): TaskCanceledError {
  return new TaskCanceledError(reason, TEXTS[reason]);
}
