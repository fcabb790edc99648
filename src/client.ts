/** `Client`: what producers hold in the hand. */
import type { Broker } from './broker/broker.ts';
import { BrokerOnDemand } from './broker-on-demand.ts';
import type { RedisOption } from './broker/connection.ts';
import { resolveClientSettings } from './config.ts';
import { Enqueuer } from './enqueuer.ts';
import {
  InvalidOptionsError,
  type OptionIssue,
  toError,
  UndecodableMessageError,
} from './errors.ts';
import type { EnqueueRequest, EnqueueResult } from './handler.ts';
import { checkTaskAddress } from './policy/edit-options.ts';
import { EnqueueChecks } from './policy/enqueue-checks.ts';
import { isTaskState, taskInfo } from './policy/task-info.ts';
import type { Duration, EnqueueOptions, NewTask, RescheduleWhen, TaskInfo } from './task.ts';
import { TaskEditor, type TaskIdentity } from './task-editor.ts';
import { decodeTaskMessage } from './wire/task-message.ts';
import { decodeRecords } from './wire/task-records.ts';

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
  readonly editor: TaskEditor;
}

/**
 * Enqueues tasks. It connects at its first call and again by itself; close it when done, or the process stays up.
 *
 * Errors: `InvalidOptionsError`, `InvalidPayloadError`, `PayloadTooLargeError`, `NotSerializableError` (nothing sent);
 * `TaskIdConflictError`; `DuplicateTaskError`; `RedisUnreachableError` (nothing sent); `EnqueueUncertainError` (perhaps stored: repeat with
 * its `taskId`); `NoRedisError`; `ClientClosedError`.
 */
export class Client {
  readonly #settings: ReturnType<typeof resolveClientSettings>;
  readonly #brokers: BrokerOnDemand;
  #connected: Connected | undefined;

  constructor(options: ClientOptions = {}) {
    this.#settings = resolveClientSettings(options);
    const { connectTimeoutMs } = this.#settings;
    this.#brokers = new BrokerOnDemand({ redis: options.redis, connectTimeoutMs, owner: 'client' });
  }

  /**
   * Enqueues one task. A call whose reply is lost is repeated within `connectTimeout`, and carried out once, even if the
   * task has been run and deleted meanwhile.
   */
  enqueue(task: NewTask, options?: EnqueueOptions): Promise<TaskInfo> {
    try {
      return this.#open().enqueuer.enqueue(task, options);
    } catch (error) {
      return Promise.reject(toError(error)); // closed, or no Redis; an async function would cost each call three turns more
    }
  }

  /**
   * Enqueues many with few round trips, unique and group tasks among them: one result per item, in order, never
   * all-or-nothing.
   */
  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]> {
    const { enqueuer } = this.#open();
    return enqueuer.enqueueMany(requests);
  }

  /**
   * The task as it stands now, its result included; `undefined` when it is gone (done without retention, deleted).
   * Takes what `enqueue` answered, or `{ id, queue }`. Queue: `default` unless given.
   *
   * Errors: `UndecodableMessageError`; those of `cancel`, `InvalidOptionsError` for a queue that no task can have as well.
   */
  async getTask(task: TaskIdentity): Promise<TaskInfo | undefined> {
    const { broker } = this.#open();
    const { queue, taskId } = checkTaskAddress(task);
    const stored = await broker.getTask(queue, taskId);
    if (stored === undefined) return undefined;
    if (!isTaskState(stored.state)) {
      throw new UndecodableMessageError(`task ${JSON.stringify(taskId)} has no known state`);
    }
    const message = decodeTaskMessage(stored.message);
    const { state, dueAt, result, records = {} } = stored;
    return taskInfo({ message, state, dueAt, result, progress: decodeRecords(records).progress });
  }

  /**
   * Gives a task that waits another time, and answers it as it stands then. A scheduled task and one that waits for a
   * retry keep their state; an archived or pending one becomes scheduled; what is due at once becomes pending. Its retries
   * so far stay counted. If it holds a unique lock, that is held longer by as much as the task is put off, and never shorter.
   *
   * Errors: `TaskNotFoundError`; `TaskStateError` for a task that is running, completed or in a group, and for a pending
   * one that is more than 50,000 tasks from either end of its queue; `InvalidOptionsError`; those of `cancel`.
   */
  async reschedule(task: TaskIdentity, when: RescheduleWhen): Promise<TaskInfo> {
    const { editor } = this.#open();
    return editor.reschedule(task, when);
  }

  /**
   * Replaces the payload of a task that waits: scheduled, pending, archived, in a group, or before a retry. Everything else
   * about it stays, and it never runs with half a change: a task that is running by now is left alone. The lock of a unique
   * task moves to the new payload in the same step, with the time that is left. Payloads are encoded as `enqueue` does it;
   * a task made by `defineTask` may stand in place of the payload, and is checked by its schema.
   *
   * Errors: `TaskNotFoundError`; `TaskStateError` for a task that is running, completed, or being aggregated;
   * `DuplicateTaskError` when another task holds the lock of the new payload; those of `enqueue` for payloads; those of
   * `cancel`.
   */
  async updatePayload(task: TaskIdentity, payload: unknown): Promise<TaskInfo> {
    const { editor } = this.#open();
    return editor.updatePayload(task, payload);
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

  /** Closes the connection, unless it is the caller's. Calls under way, those of this very turn included, are answered. */
  async close(): Promise<void> {
    this.#connected?.enqueuer.flush();
    await this.#brokers.close();
  }

  #open(): Connected {
    const broker = this.#brokers.get();
    if (this.#connected !== undefined) return this.#connected;
    const { connectTimeoutMs, maxPayloadSize } = this.#settings;
    this.#connected = {
      broker,
      enqueuer: new Enqueuer({ broker, connectTimeoutMs, maxPayloadSize }),
      editor: new TaskEditor({ broker, maxPayloadSize }),
    };
    return this.#connected;
  }
}

function checkTaskId(value: unknown): string {
  const issues: OptionIssue[] = [];
  const id = new EnqueueChecks(issues).name({ name: 'taskId', value });
  if (id === undefined) throw new InvalidOptionsError(issues);
  return id;
}
