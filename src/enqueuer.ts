/** Enqueues through a broker: what `Client` and a handler's `ctx.enqueue` have in common. */
import { randomUUID } from 'node:crypto';
import type { Broker, EnqueueEntry, EnqueueReply } from './broker/broker.ts';
import {
  EnqueueUncertainError,
  InvalidPayloadError,
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
}

/** Checks, encodes and sends tasks. */
export class Enqueuer {
  readonly #options: EnqueuerOptions;

  constructor(options: EnqueuerOptions) {
    this.#options = options;
  }

  /** Enqueues one task; throws the typed errors of `Client.enqueue`. */
  async enqueue(task: NewTask, options: EnqueueOptions = {}): Promise<TaskInfo> {
    const prepared = await this.#prepare({ task, options }, 0);
    const [result] = await this.#send(prepared.task.queue, [prepared]);
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
      const answers = await this.#send(batch.queue, batch.items);
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
    const { taskId, when } = task;
    const message = encodeTaskMessage(task.message);
    return { index, task, entry: { taskId, message, ...(when === undefined ? {} : { when }) } };
  }

  /** One script. A failure of the whole is the failure of each of its items, never of the others. */
  async #send(queue: string, items: readonly Prepared[]): Promise<EnqueueResult[]> {
    try {
      const replies = await this.#options.broker.enqueue(
        queue,
        items.map((item) => item.entry),
      );
      return items.map((item, position) => toResult(item.task, replies[position]));
    } catch (error) {
      return items.map(({ task }) => ({ ok: false, error: sendError(task, error) }));
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
function sendError(task: PreparedTask, error: unknown): Error {
  if (!(error instanceof ReplyLostError)) return toError(error);
  return new EnqueueUncertainError(task.taskId, task.queue, { cause: error });
}

function inBatches(prepared: readonly Prepared[]): { queue: string; items: Prepared[] }[] {
  const batches: { queue: string; items: Prepared[] }[] = [];
  const open = new Map<string, { queue: string; items: Prepared[]; bytes: number }>();
  for (const item of prepared) {
    const { queue } = item.task;
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
