/** What `new Server(...)` and `threadmill.config.js` take. Checked by `resolveServerSettings`, which knows the defaults. */
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import type { Duration, TaskRef } from '../task.ts';
import type { LogLevel } from '../threads/messages.ts';

/** Delay before the next attempt. `retried`: failures before this one. A duration in milliseconds or as text. */
export type RetryDelayFunction = (retried: number, error: Error, task: TaskRef) => Duration;

/** `false` = this error neither spends a retry nor counts as a failure. */
export type IsFailureFunction = (error: Error) => boolean;

/** Told of every failed attempt. What it throws is logged and harms nothing. */
export type ErrorHandler = (error: Error, task: TaskRef) => void | Promise<void>;

/**
 * Asked before tasks are leased, with the free slots and the running tasks; `false` holds back pulling until the next poll.
 * With no slot free it is asked whether short tasks may be leased ahead; `false` then holds back until one is.
 */
export type BeforeLease = (state: {
  readonly free: number;
  readonly active: number;
}) => boolean | Promise<boolean>;

/**
 * How Redis is named: a URL, ioredis options, or an ioredis instance that stays the caller's; of an ioredis Cluster only
 * addresses and options are used.
 */
export type RedisOption = string | RedisOptions | Redis | Cluster;

/** One path or `file:` URL, or a list of them. Relative paths are seen from the working directory. */
export type PathOption = string | URL | readonly (string | URL)[];

/** When to replace threads that have grown: at the first limit that is reached. */
export interface RecycleOption {
  /** Tasks that the thread has run. */
  readonly tasks?: number;
  /** Resident memory of the whole process, in MB. */
  readonly rss?: number;
  readonly age?: Duration;
}

/** Options of `Server`. Durations are milliseconds or text such as `"30s"`. Defaults: the README's settings table. */
export interface ServerOptions {
  /**
   * A URL, ioredis options, or an ioredis instance that stays the caller's. Default: `REDIS_URL`, else a private Redis
   * with its data in `.threadmill/redis`.
   */
  readonly redis?: RedisOption;
  /** Folders or modules with handlers. */
  readonly handlers: PathOption;
  /** Modules with middleware, outermost first. Default: none. */
  readonly middleware?: PathOption;
  /** Queue names with weights, a list of names (weight 1 each), or text such as `critical=6,default=3`. */
  readonly queues?: Readonly<Record<string, number>> | readonly string[] | string;
  readonly concurrency?: number;
  readonly tasksPerThread?: number;
  readonly strictPriority?: boolean;
  readonly shutdownTimeout?: Duration;
  readonly cancelGrace?: Duration;
  readonly leaseDuration?: Duration;
  readonly maxRetryDelay?: Duration;
  readonly maxOldGenerationMb?: number;
  readonly maxTaskMemoryMb?: number;
  readonly maxCrashes?: number;
  /** Limits as an object or as text, `tasks=1000,rss=1024,age=1h`; `rss` in MB. */
  readonly recycle?: RecycleOption | string;
  readonly maxPayloadSize?: number;
  readonly connectTimeout?: Duration;
  readonly pollInterval?: Duration;
  readonly forwardInterval?: Duration;
  readonly janitorInterval?: Duration;
  readonly recoverInterval?: Duration;
  readonly heartbeatInterval?: Duration;
  readonly healthInterval?: Duration;
  readonly groupGracePeriod?: Duration;
  readonly groupMaxDelay?: Duration;
  readonly groupMaxSize?: number;
  readonly logLevel?: LogLevel | 'silent';
  /** A pino logger of the caller's. Default: JSON lines on stdout at `logLevel`. */
  readonly logger?: Logger;
  readonly retryDelay?: RetryDelayFunction;
  readonly isFailure?: IsFailureFunction;
  readonly errorHandler?: ErrorHandler;
  readonly beforeLease?: BeforeLease;
  /** Where `concurrency` came from, for the start line. Set by `threadmill serve`. */
  readonly concurrencySource?: string;
}
