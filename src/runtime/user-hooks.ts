/**
 * The functions that users give a server, guarded: one that throws or answers nonsense is reported as a fault, and the
 * default holds.
 */
import { parseDuration } from '../policy/duration.ts';
import { defaultRetryDelayMs } from '../policy/retry-delay.ts';
import type { ServerOptions } from '../config/server-options.ts';
import type { Duration, TaskRef } from '../task.ts';

/** What the hooks are made of. */
export interface UserHooksOptions
  extends Pick<ServerOptions, 'retryDelay' | 'isFailure' | 'errorHandler' | 'beforeLease'> {
  readonly maxRetryDelayMs: number;
  onFault(where: string, error: unknown): void;
}

interface LeaseState {
  readonly free: number;
  readonly active: number;
}

/** The guarded hooks. */
export class UserHooks {
  readonly #options: UserHooksOptions;

  constructor(options: UserHooksOptions) {
    this.#options = options;
  }

  /** Whether the error spends a retry and counts as a failure. Default: every error does. */
  isFailure(error: Error): boolean {
    const { isFailure, onFault } = this.#options;
    if (isFailure === undefined) return true;
    try {
      const answer: unknown = isFailure(error);
      return answer !== false;
    } catch (fault) {
      onFault('isFailure', fault);
      return true;
    }
  }

  /** Milliseconds until the next attempt: the user's delay, or asynq's default capped by `maxRetryDelay`. */
  retryDelay(task: TaskRef, error: Error): number {
    const { retryDelay } = this.#options;
    if (retryDelay === undefined) return this.defaultDelay(task.retried);
    try {
      return parseDuration(retryDelay(task.retried, error, task));
    } catch (fault) {
      this.#options.onFault('retryDelay', fault);
      return this.defaultDelay(task.retried);
    }
  }

  /** A delay that a handler named in its thread; the default where it is nonsense. */
  handlerDelay(delay: Duration, task: TaskRef): number {
    try {
      return parseDuration(delay);
    } catch (fault) {
      this.#options.onFault('retry delay of the handler', fault);
      return this.defaultDelay(task.retried);
    }
  }

  /** asynq's delay, capped. */
  defaultDelay(retried: number): number {
    const { maxRetryDelayMs } = this.#options;
    return defaultRetryDelayMs({ retried, maxRetryDelayMs, random: Math.random });
  }

  /** Tells the user's `errorHandler`. */
  onError(error: Error, task: TaskRef): void {
    this.#guard('errorHandler', () => this.#options.errorHandler?.(error, task));
  }

  /**
   * Whether more tasks may be leased now; said at once where the user has no say. A predicate that throws holds back, as it
   * could not say yes.
   */
  mayLease(state: LeaseState): boolean | Promise<boolean> {
    const { beforeLease } = this.#options;
    return beforeLease === undefined || this.#ask(beforeLease, state);
  }

  async #ask(
    beforeLease: NonNullable<ServerOptions['beforeLease']>,
    state: LeaseState,
  ): Promise<boolean> {
    const { onFault } = this.#options;
    try {
      const answer: unknown = await beforeLease(state);
      return answer !== false;
    } catch (fault) {
      onFault('beforeLease', fault);
      return false;
    }
  }

  #guard(where: string, call: () => unknown): void {
    try {
      const answer = call();
      if (answer instanceof Promise) {
        answer.catch((fault: unknown) => this.#options.onFault(where, fault));
      }
    } catch (fault) {
      this.#options.onFault(where, fault);
    }
  }
}
