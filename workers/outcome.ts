/** What a throw means: a verdict, the error as data, and the handler's own answers about it. */
import {
  findRetryLater,
  isRevokeTask,
  isSkipRetry,
  type HandlerDefinition,
  type Task,
} from '../src/handler.ts';
import { serializeError } from '../src/serialize-error.ts';
import type { Duration } from '../src/task.ts';
import type { FailureKind, TaskOutcome, Verdict } from '../src/threads/messages.ts';
import { PayloadRefused, ResultRefused } from './run-handler.ts';

/** The outcome of a run that threw. */
export type Threw = Extract<TaskOutcome, { kind: 'threw' }>;

/** What is asked about a thrown value. The definition is missing when the module could not be loaded. */
export interface ThrownOptions {
  readonly definition: HandlerDefinition | undefined;
  readonly task: Task;
  readonly runMs: number;
  /** How it came to the throw. Default `error`: the handler threw it. */
  readonly failure?: FailureKind;
  /** Told when the handler's own `isFailure` or `retryDelay` cannot be used. */
  readonly onFault: (message: string, error?: unknown) => void;
}

/** Turns a thrown value into an outcome. Never throws. */
export function outcomeOfThrow(thrown: unknown, options: ThrownOptions): Threw {
  if (thrown instanceof ResultRefused) {
    return outcomeOfThrow(thrown.error, { ...options, failure: 'not_serializable' });
  }
  const { runMs, failure = 'error' } = options;
  const base = { kind: 'threw', runMs, failure } as const;
  if (thrown instanceof PayloadRefused) {
    return { ...base, verdict: 'invalid_payload', error: serializeError(thrown.error) };
  }
  const verdict = verdictOf(thrown);
  const error = serializeError(thrown);
  if (verdict === 'revoke') return { ...base, verdict, error };
  if (verdict === 'retry_later') return { ...base, verdict, error, ...laterDelay(thrown) };
  // The handler has no say in an exit, which is no error of its own: it costs an attempt and waits as the server says.
  if (failure === 'exit') return { ...base, verdict, error };
  return { ...base, verdict, error, ...ownAnswers(thrown, options) };
}

/** Brands are searched along the cause chain; to revoke wins over to skip, as in asynq. */
function verdictOf(thrown: unknown): Verdict {
  try {
    if (isRevokeTask(thrown)) return 'revoke';
    if (isSkipRetry(thrown)) return 'skip_retry';
    return findRetryLater(thrown) === undefined ? 'failure' : 'retry_later';
  } catch {
    return 'failure'; // a getter that throws
  }
}

function laterDelay(thrown: unknown): { retryDelay?: Duration } {
  const delay: unknown = findRetryLater(thrown)?.delay;
  return isDuration(delay) ? { retryDelay: delay } : {};
}

/** The handler's `isFailure` and `retryDelay`, asked about the real error. An answer that is none is ignored and logged. */
function ownAnswers(
  thrown: unknown,
  { definition, task, onFault }: ThrownOptions,
): Pick<Threw, 'isFailure' | 'retryDelay'> {
  const ask = <T>(name: string, call: () => unknown, accepts: (value: unknown) => value is T) => {
    try {
      const answer = call();
      if (accepts(answer)) return answer;
      onFault(`the handler's ${name} gave no usable answer: the server's is used`);
    } catch (error) {
      onFault(`the handler's ${name} threw: the server's is used`, error);
    }
    return undefined;
  };
  const isFailure =
    definition?.isFailure && ask('isFailure', () => definition.isFailure?.(thrown), isBoolean);
  const retryDelay =
    definition?.retryDelay &&
    ask('retryDelay', () => definition.retryDelay?.(task.retried, thrown, task), isDuration);
  return {
    ...(isFailure === undefined ? {} : { isFailure }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
  };
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

/** Text is parsed on the main thread; a number must be one to wait for. */
function isDuration(value: unknown): value is Duration {
  return typeof value === 'string' || (typeof value === 'number' && value >= 0);
}
