/** Enqueues through a broker: what `Client` and a handler's `ctx.enqueue` have in common. */
import { randomUUID } from 'node:crypto';
import type { Broker, EnqueueEntry, EnqueueReply } from './broker/broker.ts';
import { type CallName, EnqueueCalls } from './broker/enqueue-calls.ts';
import {
  EnqueueUncertainError,
  InvalidPayloadError,
  RedisUnreachableError,
  ReplyLostError,
  TaskIdConflictError,
  toError,
} from './errors.ts';
import { isTaskDefinition, type EnqueueRequest, type EnqueueResult } from './handler.ts';
import { prepareEnqueue, type PreparedTask } from './policy/enqueue-options.ts';
import { taskInfo } from './policy/task-info.ts';
import { describeSchemaIssues } from './standard-schema.ts';
import type { EnqueueOptions, NewTask, TaskInfo } from './task.ts';
import { encodeTaskMessage } from './wire/task-message.ts';

/** What an enqueuer works with. */
export interface EnqueuerOptions {
  readonly broker: Pick<Broker, 'enqueue'>;
  /** How long a call waits for connection and reply together, repeats included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Bytes. */
  readonly maxPayloadSize: number;
}

/** One script takes so many tasks at most, and about so many bytes, so that it never holds Redis for long. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 1_048_576;

interface Prepared {
  readonly index: number;
  readonly task: PreparedTask;
  readonly entry: EnqueueEntry;
  /** The call that this task was part of, of which the user was told that no reply came. */
  readonly repeats?: CallName;
}

/** Tasks that go with one script. */
interface Batch {
  readonly queue: string;
  readonly items: Prepared[];
}

/** What Redis answered; or why not, and whether the tasks may be stored all the same. */
type Delivery =
  | { readonly replies: readonly EnqueueReply[] }
  | { readonly error: unknown; readonly isUncertain: boolean };

/** Checks, encodes and sends tasks, and sends them again when the reply was lost. */
export class Enqueuer {
  readonly #options: EnqueuerOptions;
  readonly #calls = new EnqueueCalls();

  constructor(options: EnqueuerOptions) {
    this.#options = options;
  }

  /** Enqueues one task; throws the typed errors of `Client.enqueue`. */
  async enqueue(task: NewTask, options: EnqueueOptions = {}): Promise<TaskInfo> {
    const prepared = await this.#prepare({ task, options }, 0);
    const [result] = await this.#send({ queue: prepared.task.queue, items: [prepared] });
    if (result === undefined) throw new Error('the broker gave no reply for the task');
    if (!result.ok) throw result.error;
    return result.info;
  }

  /** Enqueues many; one result per item in order, whatever becomes of the others. */
  async enqueueMany(requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]> {
    const results = new Array<EnqueueResult>(requests.length);
    const prepared = await Promise.all(
      requests.map((request, index) =>
        this.#prepare(request, index).catch((error: unknown) => {
          results[index] = { ok: false, error: toError(error) };
        }),
      ),
    );
    const sends = inBatches(prepared.filter((item) => item !== undefined)).map(async (batch) => {
      const answers = await this.#send(batch);
      batch.items.forEach((item, position) => {
        results[item.index] = answers[position] ?? { ok: false, error: new Error('no reply') };
      });
    });
    await Promise.all(sends);
    return results;
  }

  async #prepare(request: EnqueueRequest, index: number): Promise<Prepared> {
    const { maxPayloadSize } = this.#options;
    const task = prepareEnqueue(request.task, request.options ?? {}, {
      newId: randomUUID,
      maxPayloadSize,
    });
    await validate(request.task);
    const { taskId, when, queue } = task;
    const message = encodeTaskMessage(task.message);
    const entry = { taskId, message, ...(when === undefined ? {} : { when }) };
    const repeats = this.#calls.take(queue, entry);
    return { index, task, entry, ...(repeats === undefined ? {} : { repeats }) };
  }

  /** One script. A failure of the whole is the failure of each of its items, never of the others. */
  async #send({ queue, items }: Batch): Promise<EnqueueResult[]> {
    const entries = items.map((item) => item.entry);
    const name = items[0]?.repeats ?? this.#calls.begin(queue);
    const delivery = await this.#deliver(queue, entries, name);
    if ('replies' in delivery) {
      this.#calls.answered(queue, name);
      return items.map((item, position) => toResult(item.task, delivery.replies[position]));
    }
    const { error, isUncertain } = delivery;
    if (isUncertain) this.#calls.unanswered(queue, name, entries);
    else this.#calls.answered(queue, name);
    return items.map(({ task }) => ({
      ok: false,
      error: isUncertain ? uncertain(task, error) : toError(error),
    }));
  }

  /**
   * Sends a call until it is answered or its time is over. Each loss of a reply costs a connection, and the next attempt
   * waits until there is another, so that this is no hot loop. Whatever else ends a repeat, a refusal included, says
   * nothing about the attempts before it.
   */
  async #deliver(queue: string, entries: EnqueueEntry[], name: CallName): Promise<Delivery> {
    const { broker, connectTimeoutMs } = this.#options;
    const end = performance.now() + connectTimeoutMs;
    let isUncertain = name.until !== undefined;
    for (let unsent = 0; ; ) {
      const withinMs = end - performance.now();
      try {
        return { replies: await broker.enqueue(queue, entries, { ...name, withinMs }) };
      } catch (error) {
        isUncertain ||= error instanceof ReplyLostError;
        // Before the time is over, not sent means that the connection ended at this very moment: the next attempt waits
        // for another. Twice in a row, that there will be none.
        unsent = error instanceof RedisUnreachableError ? unsent + 1 : 0;
        const mayRepeat = error instanceof ReplyLostError || unsent === 1;
        if (!mayRepeat || performance.now() >= end) return { error, isUncertain };
      }
    }
  }
}

/** A definition's schema is asked before the task is sent; the payload itself is sent as given. */
async function validate(task: NewTask): Promise<void> {
  const { definition } = task as { readonly definition?: unknown };
  if (!isTaskDefinition(definition) || definition.payloadSchema === undefined) return;
  const checked = await definition.payloadSchema['~standard'].validate(task.payload);
  if (checked.issues !== undefined) {
    const issues = describeSchemaIssues(checked.issues);
    throw new InvalidPayloadError(`payload of task type ${JSON.stringify(task.type)}`, issues);
  }
}

function toResult(task: PreparedTask, reply: EnqueueReply | undefined): EnqueueResult {
  if (reply === undefined) return { ok: false, error: new Error('no reply for the task') };
  if (reply.status === 'conflict') {
    return { ok: false, error: new TaskIdConflictError(task.taskId, task.queue) };
  }
  const info = taskInfo({ message: task.message, state: reply.status, dueAt: reply.at });
  return { ok: true, info };
}

/** Without a reply nobody knows whether the task was stored: the caller gets its ID, with which a repeat is safe. */
function uncertain(task: PreparedTask, cause: unknown): EnqueueUncertainError {
  return new EnqueueUncertainError(task.taskId, task.queue, { cause });
}

/** What repeats another call goes by itself, under the name of that call. */
function inBatches(prepared: readonly Prepared[]): Batch[] {
  const batches: Batch[] = [];
  const open = new Map<string, Batch & { bytes: number }>();
  for (const item of prepared) {
    const { queue } = item.task;
    if (item.repeats !== undefined) {
      batches.push({ queue, items: [item] });
      continue;
    }
    const size = item.entry.message.byteLength;
    let batch = open.get(queue);
    if (
      batch === undefined ||
      batch.items.length >= MAX_BATCH ||
      batch.bytes + size > MAX_BATCH_BYTES
    ) {
      batch = { queue, items: [], bytes: 0 };
      open.set(queue, batch);
      batches.push(batch);
    }
    batch.items.push(item);
    batch.bytes += size;
  }
  return batches;
}
