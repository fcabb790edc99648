/** `Client`: what producers hold in the hand. */
import { createRedisBroker } from './broker/redis-broker.ts';
import type { Broker } from './broker/broker.ts';
import type { RedisOption } from './broker/connection.ts';
import { resolveClientSettings } from './config.ts';
import { findRedis } from './embedded/find-redis.ts';
import { Enqueuer } from './enqueuer.ts';
import {
  ClientClosedError,
  InvalidOptionsError,
  type OptionIssue,
  UndecodableMessageError,
} from './errors.ts';
import type { EnqueueRequest, EnqueueResult } from './handler.ts';
import { EnqueueChecks } from './policy/enqueue-checks.ts';
import { isTaskState, taskInfo } from './policy/task-info.ts';
import {
  DEFAULT_QUEUE,
  type Duration,
  type EnqueueOptions,
  type NewTask,
  type TaskInfo,
} from './task.ts';
import { decodeTaskMessage } from './wire/task-message.ts';

/** Options of `Client`. */
export interface ClientOptions {
  /**
   * A URL, ioredis options, or an ioredis instance that stays the caller's. Default: `REDIS_URL`, else the embedded
   * Redis that `npm start` runs in this folder.
   */
  readonly redis?: RedisOption;
  /** How long a call waits: `enqueue` for connection and reply together, the others for each of them. Default 5 s. */
  readonly connectTimeout?: Duration;
  /** Largest encoded payload in bytes. Default 16 MiB. */
  readonly maxPayloadSize?: number;
}

interface Connected {
  readonly broker: Broker;
  readonly enqueuer: Enqueuer;
}

/**
 * Enqueues tasks. It connects at its first call and again by itself; close it when done, or the process stays up.
 *
 * Errors: `InvalidOptionsError`, `InvalidPayloadError`, `PayloadTooLargeError`, `NotSerializableError` (nothing sent);
 * `TaskIdConflictError`; `RedisUnreachableError` (nothing sent); `EnqueueUncertainError` (perhaps stored: repeat with
 * its `taskId`); `NoRedisError`; `ClientClosedError`.
 */
export class Client {
  readonly #settings: ReturnType<typeof resolveClientSettings>;
  #connected: Connected | undefined;
  #isClosed = false;

  constructor(options: ClientOptions = {}) {
    this.#settings = resolveClientSettings(options);
    // A given Redis is checked at once: a forbidden option is an error of this line, not of the first call.
    if (options.redis !== undefined) this.#connected = this.#connect(options.redis);
  }

  /**
   * Enqueues one task. A call whose reply is lost is repeated within `connectTimeout`, and carried out once, even if the
   * task has been run and deleted meanwhile.
   */
  async enqueue(task: NewTask, options: EnqueueOptions = {}): Promise<TaskInfo> {
    const { enqueuer } = this.#open();
    return enqueuer.enqueue(task, options);
  }

  /** Enqueues many with few round trips: one result per item, in order, never all-or-nothing. */
  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]> {
    const { enqueuer } = this.#open();
    return enqueuer.enqueueMany(requests);
  }

  /**
   * The task as it stands now, its result included; `undefined` when it is gone (done without retention, deleted).
   * Takes what `enqueue` answered, or `{ id, queue }`. Queue: `default` unless given.
   */
  async getTask(task: {
    readonly id: string;
    readonly queue?: string;
  }): Promise<TaskInfo | undefined> {
    const { broker } = this.#open();
    const stored = await broker.getTask(task.queue ?? DEFAULT_QUEUE, task.id);
    if (stored === undefined) return undefined;
    if (!isTaskState(stored.state)) {
      throw new UndecodableMessageError(`task ${JSON.stringify(task.id)} has no known state`);
    }
    const message = decodeTaskMessage(stored.message);
    return taskInfo({ message, state: stored.state, dueAt: stored.dueAt, result: stored.result });
  }

  /**
   * Asks for a running task to be stopped, whichever server of the fleet runs it, and answers how many running tasks
   * have this ID, over all queues; 0 when none is running. The answer does not wait for them to stop. A task that is
   * not running (pending, scheduled, waiting for a retry) is not affected: it will run.
   *
   * As in asynq, a task that is stopped fails with `context canceled`: it is retried, or archived when no retries are
   * left. A Threadmill server that misses the published request, as it is cut off from Redis, finds a mark beside the
   * task when it next extends the lease. A Go server hears the published request only.
   *
   * Errors: `InvalidOptionsError` for an ID that no task can have; `RedisUnreachableError`; `ReplyLostError` (perhaps
   * asked: repeating does no harm); `RedisReplyError`; `NoRedisError`; `ClientClosedError`.
   */
  async cancel(taskId: string): Promise<number> {
    const { broker } = this.#open();
    const id = checkTaskId(taskId);
    // The mark first: a server that acts on the message at once would leave no running task to be counted.
    const running = await broker.markCanceled(id);
    await broker.publishCancel(id);
    return running;
  }

  /** Closes the connection, unless it is the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connected?.broker.close();
  }

  /** Where none was given, each call looks again until one is found: the server may be started meanwhile. */
  #open(): Connected {
    if (this.#isClosed) throw new ClientClosedError();
    this.#connected ??= this.#connect(findRedis());
    return this.#connected;
  }

  #connect(redis: RedisOption): Connected {
    const { connectTimeoutMs, maxPayloadSize } = this.#settings;
    const broker = createRedisBroker({ redis, connectTimeoutMs });
    return { broker, enqueuer: new Enqueuer({ broker, connectTimeoutMs, maxPayloadSize }) };
  }
}

function checkTaskId(value: unknown): string {
  const issues: OptionIssue[] = [];
  const id = new EnqueueChecks(issues).name({ name: 'taskId', value });
  if (id === undefined) throw new InvalidOptionsError(issues);
  return id;
}
