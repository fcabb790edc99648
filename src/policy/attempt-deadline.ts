/** When an attempt is stopped. */
import { DEFAULT_TIMEOUT_MS } from '../task.ts';

/** What bounds an attempt. */
export interface AttemptBounds {
  /** From the message; 0 = none. */
  readonly timeoutSeconds: number;
  /** From the message, since 1970; 0 = none. */
  readonly deadlineSeconds: number;
  /** The handler's own timeout, an upper bound; `undefined` or 0 = none. */
  readonly handlerTimeoutMs: number | undefined;
  /** When the attempt starts, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** When to stop, in milliseconds since 1970, and which bound that is. In the past: do not start at all. */
export interface AttemptDeadline {
  readonly deadlineMs: number;
  readonly reason: 'timeout' | 'deadline';
}

/** The last instant a Date can hold. */
const LAST_INSTANT_MS = 8_640_000_000_000_000;

/**
 * The earliest bound holds (protocol 16.4). A message with neither timeout nor deadline gets asynq's 30 minutes. Unlike
 * asynq, which counts in whole seconds when both are set, a timeout runs its full length from the start.
 */
export function attemptDeadline(bounds: AttemptBounds): AttemptDeadline {
  const timeoutMs = Math.min(messageTimeoutMs(bounds), handlerTimeoutMs(bounds));
  const timeoutAt = bounds.nowMs + timeoutMs;
  const deadlineAt = messageDeadlineMs(bounds);
  const isTimeout = timeoutAt <= deadlineAt;
  return {
    deadlineMs: Math.min(isTimeout ? timeoutAt : deadlineAt, LAST_INSTANT_MS),
    reason: isTimeout ? 'timeout' : 'deadline',
  };
}

function messageTimeoutMs({ timeoutSeconds, deadlineSeconds }: AttemptBounds): number {
  if (timeoutSeconds !== 0) return timeoutSeconds * 1000;
  return deadlineSeconds === 0 ? DEFAULT_TIMEOUT_MS : Number.POSITIVE_INFINITY;
}

function messageDeadlineMs({ deadlineSeconds }: AttemptBounds): number {
  return deadlineSeconds === 0 ? Number.POSITIVE_INFINITY : deadlineSeconds * 1000;
}

function handlerTimeoutMs({ handlerTimeoutMs: ms }: AttemptBounds): number {
  return ms === undefined || ms === 0 ? Number.POSITIVE_INFINITY : ms;
}
