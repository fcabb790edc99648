/** `Inspector`: what operators and their tools hold in the hand. */
import type { Broker, QueueInfo, TaskAction } from '../broker/broker.ts';
import type { RedisOption } from '../broker/connection.ts';
import { BrokerOnDemand } from '../broker-on-demand.ts';
import { resolveClientSettings } from '../config.ts';
import { QueueNotFoundError, TaskNotFoundError, UndecodableMessageError } from '../errors.ts';
import { isTaskState, taskInfo } from '../policy/task-info.ts';
import type { Duration } from '../task.ts';
import { decodeRecords } from '../wire/task-records.ts';
import { cancelTasks } from './cancel-tasks.ts';
import { changeTasks } from './change-tasks.ts';
import { checkDays, checkName, checkPage } from './checks.ts';
import { diagnose, type DiagnoseOptions, type Diagnosis } from './doctor/diagnose.ts';
import { scheduleEntries, scheduleEvents, serverEntries } from './fleet.ts';
import { listTasks, readMessage } from './list-tasks.ts';
import { removeQueue } from './remove-queue.ts';
import { checkSelection } from './selection.ts';
import type {
  BulkOptions,
  BulkResult,
  DayStats,
  GroupInfo,
  InspectorMethods,
  PageOptions,
  RemoveQueueOptions,
  ScheduleEntryInfo,
  ScheduleEvent,
  ServerEntry,
  TaskDetails,
  TaskListOptions,
  TaskPage,
  TaskSelection,
} from './types.ts';

/** Options of `Inspector`. */
export interface InspectorOptions {
  /**
   * A URL, ioredis options, or an ioredis instance that stays the caller's. Default: `REDIS_URL`, else the embedded
   * Redis that `npm start` runs in this folder.
   */
  readonly redis?: RedisOption;
  /** How long a call waits for the connection, and for each reply. Default 5 s. */
  readonly connectTimeout?: Duration;
}

/**
 * Reads and steers queues, tasks, servers and schedulers of the whole fleet, those of asynq in Go too. It connects at
 * its first call and again by itself; close it when done, or the process stays up.
 *
 * Errors: `QueueNotFoundError`, `TaskNotFoundError`, `TaskStateError`, `QueueNotEmptyError`, `InvalidOptionsError`;
 * `RedisUnreachableError`, `ReplyLostError` (it may have been carried out), `RedisReplyError`; `NoRedisError`;
 * `ClientClosedError`.
 */
export class Inspector implements InspectorMethods {
  readonly #brokers: BrokerOnDemand;

  constructor(options: InspectorOptions = {}) {
    const { connectTimeoutMs } = resolveClientSettings(options);
    const { redis } = options;
    this.#brokers = new BrokerOnDemand({ redis, connectTimeoutMs, owner: 'inspector' });
  }

  /** Names of all queues, sorted. */
  async queues(): Promise<string[]> {
    return this.#brokers.get().queues();
  }

  /** Figures of one queue: lengths by state, latency, memory, counters. */
  async queueInfo(queue: string): Promise<QueueInfo> {
    const broker = await this.#brokerOf(queue);
    return broker.queueInfo(queue);
  }

  /** What was processed on each of the last `days` UTC days, today first. Redis keeps 90 days. */
  async history(queue: string, days: number): Promise<DayStats[]> {
    const count = checkDays(days);
    const broker = await this.#brokerOf(queue);
    return broker.history(queue, count);
  }

  /** One task with everything that is known of it. */
  async getTask(queue: string, id: string): Promise<TaskDetails> {
    const broker = this.#brokers.get();
    const [name, taskId] = [checkName('queue', queue), checkName('id', id)];
    // Not first whether the queue exists: a Go producer may have hidden it (it registers a queue once in its life).
    const stored = await broker.getTask(name, taskId);
    if (stored === undefined) {
      await this.#brokerOf(name);
      throw new TaskNotFoundError(taskId, name);
    }
    if (!isTaskState(stored.state)) {
      throw new UndecodableMessageError(`task ${JSON.stringify(taskId)} has no known state`);
    }
    const { group, uniqueKey } = stored;
    const message = readMessage(stored.message, taskId, name);
    const lock = uniqueKey ?? message.uniqueKey;
    return {
      ...taskInfo({ message, state: stored.state, dueAt: stored.dueAt, result: stored.result }),
      ...(group === undefined ? {} : { group }),
      ...(lock === '' ? {} : { uniqueKey: lock }),
      ...decodeRecords(stored.records ?? {}),
    };
  }

  /** One page of the tasks in one state, in asynq's order: the oldest, or what is due next, first. */
  async listTasks(options: TaskListOptions): Promise<TaskPage> {
    return listTasks(await this.#brokerOf(options.queue), options);
  }

  /** Groups of the queue that have waiting tasks, by name. */
  async groups(queue: string): Promise<GroupInfo[]> {
    const broker = await this.#brokerOf(queue);
    return broker.groupSizes(queue);
  }

  /** All living servers, Go's too, with what they ran at their last heartbeat. */
  async servers(): Promise<ServerEntry[]> {
    return serverEntries(await this.#brokers.get().servers());
  }

  /** The periodic tasks of all living schedulers, Go's too; what is due next comes first. */
  async scheduleEntries(): Promise<ScheduleEntryInfo[]> {
    return scheduleEntries(await this.#brokers.get().scheduleEntries());
  }

  /** When an entry was enqueued, newest first. */
  async scheduleEvents(entryId: string, options: PageOptions = {}): Promise<ScheduleEvent[]> {
    const { page, size } = checkPage(options);
    const id = checkName('entryId', entryId);
    const events = await this.#brokers.get().scheduleEvents(id, (page - 1) * size, size);
    return scheduleEvents(events);
  }

  /** Looks for what is wrong with Redis, servers and queues, and mends what is safe if it is to. See `DiagnoseOptions`. */
  async diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
    return diagnose(this.#brokers.get(), options);
  }

  /**
   * Makes tasks pending now: scheduled, retry, archived, completed or aggregating ones. They keep what is known of their
   * attempts; each is run once by this call, also if it has failed and is back before the call is through.
   */
  async run(selection: TaskSelection, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#change('run', selection, options);
  }

  /** Moves waiting (or completed) tasks to the archive, which keeps the newest 9999 of a queue. */
  async archive(selection: TaskSelection, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#change('archive', selection, options);
  }

  /** Deletes tasks that are not active, and gives their unique locks back. */
  async delete(selection: TaskSelection, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#change('delete', selection, options);
  }

  /**
   * Asks for running tasks to be stopped, without waiting for that; see `Client.cancel` for what becomes of them. A task
   * that is not running is left alone, and is no failure.
   */
  async cancel(selection: TaskSelection, options: BulkOptions = {}): Promise<BulkResult> {
    const selected = checkSelection('cancel', selection);
    return cancelTasks(await this.#brokerOf(selected.queue), selected, options);
  }

  /** Lets no server take tasks from the queue; what runs goes on. Does nothing if it is paused. */
  async pause(queue: string): Promise<void> {
    const broker = await this.#brokerOf(queue);
    await broker.pause(queue);
  }

  /** Ends a pause. Does nothing if there is none. */
  async resume(queue: string): Promise<void> {
    const broker = await this.#brokerOf(queue);
    await broker.resume(queue);
  }

  /**
   * Removes a queue with all that is kept of it: completed tasks, pause and counters too. Rejects with
   * `QueueNotEmptyError` when tasks wait in it, unless `force` deletes them, and in any case when some are running. While
   * tasks are deleted the queue is paused. A queue that producers still use comes back with their next task.
   */
  async removeQueue(queue: string, options: RemoveQueueOptions = {}): Promise<BulkResult> {
    return removeQueue(await this.#brokerOf(queue), queue, options);
  }

  /** Closes the connection, unless it is the caller's. */
  async close(): Promise<void> {
    await this.#brokers.close();
  }

  async #change(
    action: TaskAction,
    selection: TaskSelection,
    options: BulkOptions,
  ): Promise<BulkResult> {
    const selected = checkSelection(action, selection);
    return changeTasks(await this.#brokerOf(selected.queue), action, selected, options);
  }

  /** The broker, if the queue exists. */
  async #brokerOf(queue: string): Promise<Broker> {
    const broker = this.#brokers.get();
    const name = checkName('queue', queue);
    if (!(await broker.hasQueue(name))) throw new QueueNotFoundError(name);
    return broker;
  }
}
