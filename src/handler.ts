/**
 * `threadmill/handler`: what handler modules import. It imports no package, so that a thread starts at once, and works
 * on the main thread too (`defineTask` is shared by producers and handlers).
 */
import type { Duration, EnqueueOptions, Headers, NewTask, TaskInfo } from './task.ts';
import type { StandardSchema, SchemaInput, SchemaOutput } from './standard-schema.ts';
import { hasBrand } from './verdicts.ts';

export { defineAggregator } from './aggregator.ts';
export type {
  AggregateContext,
  AggregatedTask,
  AggregatorDefinition,
  AggregatorOptions,
  GroupedTask,
} from './aggregator.ts';
export { InvalidPayloadError, TaskCanceledError, ThreadmillError } from './errors.ts';
export type { Duration, EnqueueOptions, Headers, NewTask, TaskInfo } from './task.ts';
export type { StandardSchema, SchemaInput, SchemaOutput } from './standard-schema.ts';
export {
  findRetryLater,
  isRevokeTask,
  isSkipRetry,
  RetryLater,
  RevokeTask,
  SkipRetry,
} from './verdicts.ts';

/** A task as its handler sees it. */
export interface Task<Payload = unknown> {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  /** The bytes as they were enqueued; the handler owns them. */
  readonly payload: Uint8Array;
  readonly headers: Headers;
  /** Failed attempts before this one. */
  readonly retried: number;
  /** Largest number of retries; `Infinity` = for ever. */
  readonly maxRetry: number;
  /** When this attempt is stopped, if ever. */
  readonly deadline: Date | undefined;
  /** The payload parsed as JSON, and as the schema returned it where the handler has one. Throws on text that is not JSON. */
  json(): Payload;
}

/** Logs like pino: a message, or fields and a message. Lines come out of the main thread's logger bound to the task. */
export interface TaskLogger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
}

/** `log.info('text')` or `log.info({ rows: 3 }, 'text')`. */
export interface LogMethod {
  (message: string): void;
  (fields: Readonly<Record<string, unknown>>, message?: string): void;
}

/** Result of one item of `enqueueMany`: never all-or-nothing. */
export type EnqueueResult<Result = unknown> =
  | { readonly ok: true; readonly info: TaskInfo; readonly resultType?: Result }
  | { readonly ok: false; readonly error: Error };

/** One item of `enqueueMany`. */
export interface EnqueueRequest<Payload = unknown> {
  readonly task: NewTask<Payload>;
  readonly options?: EnqueueOptions;
}

/**
 * The second argument of every handler. What it has may be taken off it: `(task, { log, progress }) => …`; a copy made by
 * `{ ...ctx }` has only a part of it.
 */
export interface TaskContext {
  /** Aborts when the run is to stop; its reason is a `TaskCanceledError`. For asynchronous code. */
  readonly signal: AbortSignal;
  /** Whether the run is to stop. Works inside a loop that never yields (one atomic load). */
  readonly canceled: boolean;
  /** Throws a `TaskCanceledError` when the run is to stop. Works inside a loop that never yields. */
  throwIfCanceled(): void;
  /**
   * Reports progress: any value that JSON can hold, up to 16 KiB. The last value counts; sent at most ten times a
   * second. Every call is a sign of life too, as `heartbeat()` is.
   */
  progress(value: unknown): void;
  /**
   * Says that the run is alive, where the handler declares a `heartbeat`. A number in shared memory and no message, so
   * it may stand in the innermost loop, also one that never yields. Does nothing once the run is over.
   */
  heartbeat(): void;
  readonly log: TaskLogger;
  /** Sets the result, stored when the task succeeds and has a retention. Overrides the return value. */
  setResult(bytes: Uint8Array | string): void;
  /** Enqueues a task through the main thread's client. Rejects with the client's typed errors. */
  enqueue(task: NewTask, options?: EnqueueOptions): Promise<TaskInfo>;
  /** Enqueues many tasks with few round trips; one result per item. */
  enqueueMany(requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]>;
}

/** The simplest handler: the default export of a module may be just this. */
export type HandlerFunction<Payload = unknown, Result = unknown> = (
  task: Task<Payload>,
  ctx: TaskContext,
) => Result | Promise<Result>;

/** Runs round every handler, outermost first, in the thread. Return or change what `next()` returns; throw to fail. */
export type Middleware = (
  task: Task,
  ctx: TaskContext,
  next: () => Promise<unknown>,
) => unknown | Promise<unknown>;

/** Settings of a handler. `Payload` is what `task.json()` returns. */
export interface HandlerOptions<Payload = unknown, Result = unknown> {
  /** Type pattern: exact, or a prefix of the types it handles; the longest match wins. Default: from the file's path. */
  readonly type?: string;
  /** Declared by `defineTask`; gives type, schemas, timeout and retries unless set here. */
  // Without its call: what a producer may pass is narrower than `unknown`, and no definition would fit.
  readonly task?: Omit<TaskDefinition<unknown, Payload, Result>, never>;
  handle(task: Task<Payload>, ctx: TaskContext): Result | Promise<Result>;
  /** Upper bound of the run time of one attempt: the smaller of this and the task's own holds. */
  readonly timeout?: Duration;
  /**
   * A run that calls neither `ctx.heartbeat()` nor `ctx.progress()` for so long counts as hung and is stopped, counted
   * from its start. Over 0. Default: no heartbeat is asked for.
   */
  readonly heartbeat?: Duration;
  /** Its own time to clean up and end after a stop, instead of the server's `cancelGrace`. 0 = none. */
  readonly cancelGrace?: Duration;
  /** Upper bound of retries: the smaller of this and the task's own holds. */
  readonly retries?: number;
  /** Validates the parsed payload; a task that does not fit is archived at once with the issues listed. */
  readonly schema?: StandardSchema<unknown, Payload>;
  /** Delay before the next attempt; `retried` counts failures before this one. Default: the server's. */
  retryDelay?(retried: number, error: unknown, task: Task<Payload>): Duration;
  /** `false` = this error does not spend a retry. Default: the server's (every error is a failure). */
  isFailure?(error: unknown): boolean;
  /** Middleware of this handler only, inside the server's. */
  readonly middleware?: readonly Middleware[];
}

const HANDLER_BRAND = Symbol.for('threadmill.handler');

/** What `defineHandler` returns; branded, so that two copies of the package recognise each other's. */
export interface HandlerDefinition<Payload = unknown, Result = unknown>
  extends HandlerOptions<Payload, Result> {
  readonly [brand: symbol]: true;
}

/** Declares a handler with settings; make it the default export of its module. */
export function defineHandler<Payload = unknown, Result = unknown>(
  options: HandlerOptions<Payload, Result>,
): HandlerDefinition<Payload, Result> {
  return Object.freeze({ ...options, [HANDLER_BRAND]: true as const });
}

/** Whether a value was made by `defineHandler`, of this or another copy of the package. */
export function isHandlerDefinition(value: unknown): value is HandlerDefinition {
  return hasBrand(value, HANDLER_BRAND);
}

/** What `defineTask` takes. */
export interface TaskDefinitionOptions<
  PayloadSchema extends StandardSchema | undefined = undefined,
  ResultSchema extends StandardSchema | undefined = undefined,
> extends Pick<EnqueueOptions, 'queue' | 'timeout' | 'retention' | 'uniqueFor' | 'group'> {
  readonly type: string;
  /** Any Standard Schema (zod, valibot, arktype …): checked at enqueue and again in the thread. */
  readonly payload?: PayloadSchema;
  /** Checked in the thread before the result is stored. */
  readonly result?: ResultSchema;
  /** `maxRetry` of every task of this type unless the enqueue call says otherwise. */
  readonly retries?: number;
}

const TASK_BRAND = Symbol.for('threadmill.task');

/** A task made from a definition: carries the definition, so that the client can validate and apply its options. */
export interface DefinedTask<Input = unknown, Output = unknown, Result = unknown>
  extends NewTask<Input> {
  readonly definition: TaskDefinition<Input, Output, Result>;
}

/**
 * A declared task type: call it with a payload to get a task for `client.enqueue`, pass it as `task` to
 * `defineHandler`. Timeout, retries, queue, retention, group and lock are written into the message at enqueue, where Go
 * servers see them too.
 */
export interface TaskDefinition<Input = unknown, Output = Input, Result = unknown> {
  (payload: Input, headers?: Headers): DefinedTask<Input, Output, Result>;
  readonly type: string;
  readonly options: EnqueueOptions;
  readonly payloadSchema: StandardSchema<Input, Output> | undefined;
  readonly resultSchema: StandardSchema<unknown, Result> | undefined;
  /** Reads a stored result (JSON) of this type. */
  parseResult(bytes: Uint8Array): Result;
}

/**
 * Declares a task type once, for producer and handler. With schemas the types come from them; without, name them:
 * `defineTask<{ path: string }, { width: number }>({ type: 'image:resize' })`.
 */
export function defineTask<
  PayloadSchema extends StandardSchema,
  ResultSchema extends StandardSchema | undefined = undefined,
>(
  options: TaskDefinitionOptions<PayloadSchema, ResultSchema> & { readonly payload: PayloadSchema },
): TaskDefinition<
  SchemaInput<PayloadSchema>,
  SchemaOutput<PayloadSchema>,
  ResultSchema extends StandardSchema ? SchemaOutput<ResultSchema> : unknown
>;
export function defineTask<Payload = unknown, Result = unknown>(
  options: TaskDefinitionOptions,
): TaskDefinition<Payload, Payload, Result>;
export function defineTask(
  options: TaskDefinitionOptions<StandardSchema | undefined, StandardSchema | undefined>,
): TaskDefinition {
  const make = (payload: unknown, headers?: Headers): DefinedTask => ({
    type: options.type,
    payload,
    ...(headers === undefined ? {} : { headers }),
    definition,
  });
  const definition: TaskDefinition = Object.freeze(
    Object.assign(make, {
      type: options.type,
      options: Object.freeze(enqueueDefaults(options)),
      payloadSchema: options.payload,
      resultSchema: options.result,
      parseResult: (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes)),
      [TASK_BRAND]: true as const,
    }),
  );
  return definition;
}

function enqueueDefaults(
  options: TaskDefinitionOptions<StandardSchema | undefined, StandardSchema | undefined>,
): EnqueueOptions {
  return {
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.retention === undefined ? {} : { retention: options.retention }),
    ...(options.uniqueFor === undefined ? {} : { uniqueFor: options.uniqueFor }),
    ...(options.group === undefined ? {} : { group: options.group }),
    ...(options.retries === undefined ? {} : { maxRetry: options.retries }),
  };
}

/** Whether a value was made by `defineTask`, of this or another copy of the package. */
export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return hasBrand(value, TASK_BRAND);
}
