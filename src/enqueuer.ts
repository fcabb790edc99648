/** Enqueues through a broker: what `Client` and a handler's `ctx.enqueue` have in common. */
import { randomUUID } from 'node:crypto';
import type { Broker, EnqueueEntry, EnqueueReply } from './broker/broker.ts';
import { type CallName, EnqueueCalls } from './broker/enqueue-calls.ts';
import {
  DuplicateTaskError,
  EnqueueUncertainError,
  RedisUnreachableError,
  ReplyLostError,
  TaskIdConflictError,
  toError,
} from './errors.ts';
import { type EnqueueBatch, EnqueueBatches } from './enqueue-batches.ts';
import type { EnqueueRequest, EnqueueResult } from './handler.ts';
import {
  type Growing,
  type PrepareContext,
  type PreparedTask,
  prepareEnqueue,
} from './policy/enqueue-options.ts';
import { taskInfo } from './policy/task-info.ts';
import type { EnqueueOptions, NewTask, TaskInfo } from './task.ts';
import { validatePayload } from './validate-payload.ts';
import { encodeTaskMessage, type TaskMessage } from './wire/task-message.ts';

/** What an enqueuer works with. */
export interface EnqueuerOptions {
  readonly broker: Pick<Broker, 'enqueue'>;
  /** How long a call waits for connection and reply together, repeats included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Bytes. */
  readonly maxPayloadSize: number;
}

/** Told how one task ended. */
type Settle = (result: EnqueueResult) => void;

/** A task on its way, and what is told how it ended. */
interface Prepared {
  readonly task: PreparedTask;
  readonly entry: EnqueueEntry;
  /** The name of the call to be made: that of one of which the user was told that no reply came, or the caller's own. */
  readonly repeats?: CallName | undefined;
  readonly settle: Settle;
}

/** A script call on its way. */
interface Call {
  readonly queue: string;
  readonly entries: readonly EnqueueEntry[];
  readonly name: CallName;
  /** By `performance.now()`. */
  readonly end: number;
}

/**
 * Checks, encodes and sends tasks, and sends them again when the reply was lost. What is enqueued in one turn of the loop
 * goes together, with one script per queue; each task is answered by itself.
 */
export class Enqueuer {
  readonly #options: EnqueuerOptions;
  readonly #calls = new EnqueueCalls();
  readonly #batches = new EnqueueBatches<Prepared>((batch) => this.#send(batch));
  readonly #context: PrepareContext;

  constructor(options: EnqueuerOptions) {
    this.#options = options;
    this.#context = { newId: randomUUID, maxPayloadSize: options.maxPayloadSize };
  }

  /** Enqueues one task; throws the typed errors of `Client.enqueue`. */
  enqueue(task: NewTask, options: EnqueueOptions = {}): Promise<TaskInfo> {
    return this.#one({ task, options });
  }

  /** As `enqueue`, under a name of the caller's: a call of that name, or of a greater number, is not carried out again. */
  enqueueAs(name: CallName, task: NewTask, options: EnqueueOptions): Promise<TaskInfo> {
    return this.#one({ task, options }, name);
  }

  /** Enqueues many; one result per item in order, whatever becomes of the others. */
  enqueueMany(requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]> {
    const results = new Array<EnqueueResult>(requests.length);
    let left = requests.length;
    if (left === 0) return Promise.resolve(results);
    return new Promise((resolve) => {
      requests.forEach((request, index) =>
        this.#take(request, (result) => {
          results[index] = result;
          left -= 1;
          if (left === 0) resolve(results);
        }),
      );
    });
  }

  /** Sends what was gathered so far in this turn, instead of at its end. */
  flush(): void {
    this.#batches.flush();
  }

  #one(request: EnqueueRequest, name?: CallName): Promise<TaskInfo> {
    return new Promise((resolve, reject) => {
      this.#take(
        request,
        (result) => (result.ok ? resolve(result.info) : reject(result.error)),
        name,
      );
    });
  }

  /** Never throws: what is wrong with one task is the result of that one. */
  #take({ task, options = {} }: EnqueueRequest, settle: Settle, name?: CallName): void {
    try {
      const prepared = prepareEnqueue(task, options, this.#context);
      // The payload itself is sent as given. Most tasks have no schema, and most schemas answer at once.
      const validated = validatePayload(task);
      if (validated === undefined) {
        this.#add(prepared, settle, name);
        return;
      }
      validated
        .then(() => this.#add(prepared, settle, name))
        .catch((error: unknown) => settle(failed(error)));
    } catch (error) {
      settle(failed(error));
    }
  }

  #add(task: PreparedTask, settle: Settle, name: CallName | undefined): void {
    const entry = toEntry(task);
    const repeats = name ?? this.#calls.take(task.queue, entry);
    this.#batches.add({ task, entry, repeats, settle });
  }

  /** One script. A failure of the whole is the failure of each of its items, never of the others. */
  #send({ queue, items }: EnqueueBatch<Prepared>): void {
    const { broker, connectTimeoutMs } = this.#options;
    const entries = items.map((item) => item.entry);
    const name = items[0]?.repeats ?? this.#calls.begin(queue);
    const call: Call = { queue, entries, name, end: performance.now() + connectTimeoutMs };
    const onReplies = (replies: EnqueueReply[]): void => {
      this.#calls.answered(queue, name);
      items.forEach(({ task, settle }, place) => settle(toResult(task, replies[place])));
    };
    // Most calls are answered at the first attempt, and wait for nothing but that.
    broker
      .enqueue(queue, entries, { ...name, withinMs: connectTimeoutMs })
      .then(onReplies, (error: unknown) =>
        this.#repeat(call, error).then(onReplies, (last: unknown) => this.#fail(call, items, last)),
      );
  }

  #fail({ queue, entries, name }: Call, items: readonly Prepared[], error: unknown): void {
    const isUncertain = error instanceof Uncertain;
    if (isUncertain) this.#calls.unanswered(queue, name, entries);
    else this.#calls.answered(queue, name);
    for (const { task, settle } of items) {
      settle(failed(isUncertain ? uncertain(task, error.cause) : error));
    }
  }

  /**
   * Sends a call again, after its first attempt failed, until it is answered or its time is over. Each loss of a reply
   * costs a connection, and the next attempt waits until there is another, so that this is no hot loop. Whatever else ends
   * a repeat, a refusal included, says nothing about the attempts before it. Throws `Uncertain` where the tasks may be
   * stored all the same.
   */
  async #repeat({ queue, entries, name, end }: Call, first: unknown): Promise<EnqueueReply[]> {
    let isUncertain = name.until !== undefined;
    let unsent = 0;
    for (let error = first; ; ) {
      isUncertain ||= error instanceof ReplyLostError;
      // Before the time is over, not sent means that the connection ended at this very moment: the next attempt waits
      // for another. Twice in a row, that there will be none.
      unsent = error instanceof RedisUnreachableError ? unsent + 1 : 0;
      const mayRepeat = error instanceof ReplyLostError || unsent === 1;
      const withinMs = end - performance.now();
      if (!mayRepeat || withinMs <= 0) {
        throw isUncertain ? new Uncertain('no reply', { cause: error }) : error;
      }
      try {
        return await this.#options.broker.enqueue(queue, entries, { ...name, withinMs });
      } catch (again) {
        error = again;
      }
    }
  }
}

/** Nobody knows whether the tasks of a call were stored; the cause says why. Never leaves this file. */
class Uncertain extends Error {}

function failed(error: unknown): EnqueueResult {
  return { ok: false, error: toError(error) };
}

function toEntry(task: PreparedTask): EnqueueEntry {
  const { taskId, when, unique, group, replaceArchived } = task;
  const entry: Growing<EnqueueEntry> = { taskId, message: encodeTaskMessage(task.message) };
  if (when !== undefined) entry.when = when;
  if (unique !== undefined) entry.unique = unique;
  if (group !== undefined) entry.group = group;
  if (replaceArchived !== undefined) entry.replaceArchived = replaceArchived;
  return entry;
}

function toResult(task: PreparedTask, reply: EnqueueReply | undefined): EnqueueResult {
  if (reply === undefined) return { ok: false, error: new Error('no reply for the task') };
  const { message } = task;
  if (reply.status === 'refused') return { ok: false, error: reply.error };
  if (reply.status === 'conflict' || reply.status === 'duplicate') {
    return { ok: false, error: refusalError(message, reply) };
  }
  const dueAt = reply.status === 'aggregating' ? undefined : reply.at; // when it runs is the aggregator's to say
  return { ok: true, info: taskInfo({ message, state: reply.status, dueAt }) };
}

/** Why a task was not stored, as an error. */
export function refusalError(
  { type, id, queue }: Pick<TaskMessage, 'type' | 'id' | 'queue'>,
  reply: Extract<EnqueueReply, { status: 'conflict' | 'duplicate' }>,
): Error {
  return reply.status === 'conflict'
    ? new TaskIdConflictError(id, queue, reply.state || undefined)
    : new DuplicateTaskError(type, queue, reply.holder || undefined);
}

/** Without a reply nobody knows whether the task was stored: the caller gets its ID, with which a repeat is safe. */
function uncertain(task: PreparedTask, cause: unknown): EnqueueUncertainError {
  return new EnqueueUncertainError(task.taskId, task.queue, { cause });
}
