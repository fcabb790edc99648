/** What a handler throws to say more than that it failed. Part of `threadmill/handler`; imports nothing but a type. */
import type { Duration } from './task.ts';

const SKIP_RETRY = Symbol.for('threadmill.SkipRetry');
const REVOKE_TASK = Symbol.for('threadmill.RevokeTask');
const RETRY_LATER = Symbol.for('threadmill.RetryLater');

/** Throw it to archive the task at once, whatever retries it has left. */
export class SkipRetry extends Error {
  constructor(message = 'skip retry for the task', options?: ErrorOptions) {
    super(message, options);
    this.name = 'SkipRetry';
    mark(this, SKIP_RETRY);
  }
}

/** Throw it to drop the task: neither retried nor archived, counted as processed. */
export class RevokeTask extends Error {
  constructor(message = 'revoke task', options?: ErrorOptions) {
    super(message, options);
    this.name = 'RevokeTask';
    mark(this, REVOKE_TASK);
  }
}

/** Throw it to run the task again after `delay`, without spending a retry or counting a failure. */
export class RetryLater extends Error {
  readonly delay: Duration;

  constructor(delay: Duration, message = 'retry later', options?: ErrorOptions) {
    super(message, options);
    this.name = 'RetryLater';
    mark(this, RETRY_LATER);
    this.delay = delay;
  }
}

/** Whether the value, or an error in its `cause` chain, is a `SkipRetry` (as asynq: is or wraps). */
export function isSkipRetry(value: unknown): boolean {
  return findBranded(value, SKIP_RETRY) !== undefined;
}

/** Whether the value, or an error in its `cause` chain, is a `RevokeTask`. */
export function isRevokeTask(value: unknown): boolean {
  return findBranded(value, REVOKE_TASK) !== undefined;
}

/** The `RetryLater` among the value and its `cause` chain, if any. */
export function findRetryLater(value: unknown): { readonly delay: Duration } | undefined {
  const found = findBranded(value, RETRY_LATER);
  return found === undefined ? undefined : (found as { readonly delay: Duration } & object);
}

/** Brands go over a symbol of the whole process: two copies of the package agree, where `instanceof` would not. */
function mark(error: Error, brand: symbol): void {
  Object.defineProperty(error, brand, { value: true });
}

/** Cause chains longer than this are not searched: they may be circular. */
const MAX_CAUSE_DEPTH = 10;

function findBranded(value: unknown, brand: symbol): object | undefined {
  let current = value;
  for (let depth = 0; depth < MAX_CAUSE_DEPTH; depth += 1) {
    if (hasBrand(current, brand)) return current;
    if (!(current instanceof Error)) return undefined;
    current = current.cause;
  }
  return undefined;
}

/** Whether the value is an object or a function that carries this brand. */
export function hasBrand(value: unknown, brand: symbol): value is object {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    (value as Record<symbol, unknown>)[brand] === true
  );
}
