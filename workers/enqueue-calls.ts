/** `ctx.enqueue` and `ctx.enqueueMany`: the main thread's client does the work, the payload is encoded here. */
import type { Transferable } from 'node:worker_threads';
import { toError, TooManyCallsError } from '../src/errors.ts';
import {
  isTaskDefinition,
  type EnqueueRequest,
  type EnqueueResult,
  type TaskDefinition,
} from '../src/handler.ts';
import { encodePayload } from '../src/payload.ts';
import { reviveError } from '../src/serialize-error.ts';
import type { EnqueueOptions, NewTask, TaskInfo } from '../src/task.ts';
import type { EnqueueAnswer, EnqueueItem, FromThread } from '../src/threads/messages.ts';
import { validatePayload } from '../src/validate-payload.ts';
import { transferList } from './transfer-list.ts';

/** Calls of one thread that may wait for an answer. */
export const MAX_CALLS = 1_000;

type Post = (message: FromThread, transfer: readonly Transferable[]) => void;
type Prepared = { readonly item: EnqueueItem } | { readonly error: Error };

/** The enqueue calls of one thread. */
export class EnqueueCalls {
  readonly #post: Post;
  readonly #waiting = new Map<number, (answers: readonly EnqueueAnswer[]) => void>();
  #outstanding = 0;
  #lastCall = 0;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Rejects with the client's errors, revived, and with `TooManyCallsError` beyond 1000 calls at once. */
  async enqueue(run: number, task: NewTask, options?: EnqueueOptions): Promise<TaskInfo> {
    const request = options === undefined ? { task } : { task, options };
    const [result] = await this.enqueueMany(run, [request]);
    if (result === undefined) throw new Error('the main thread gave no answer');
    if (!result.ok) throw result.error;
    return result.info;
  }

  /** One result per request, in order. Rejects only when nothing could be asked. */
  async enqueueMany(run: number, requests: readonly EnqueueRequest[]): Promise<EnqueueResult[]> {
    if (requests.length === 0) return [];
    if (this.#outstanding >= MAX_CALLS) throw new TooManyCallsError(MAX_CALLS);
    this.#outstanding += 1;
    try {
      const prepared = await Promise.all(requests.map(prepare));
      const items = prepared.flatMap((one) => ('item' in one ? [one.item] : []));
      const answers = items.length === 0 ? [] : await this.#ask(run, items);
      return join(prepared, answers);
    } finally {
      this.#outstanding -= 1;
    }
  }

  /** The main thread's answer to a call. */
  answer(call: number, answers: readonly EnqueueAnswer[]): void {
    const resolve = this.#waiting.get(call);
    this.#waiting.delete(call);
    resolve?.(answers);
  }

  #ask(run: number, items: readonly EnqueueItem[]): Promise<readonly EnqueueAnswer[]> {
    this.#lastCall += 1;
    const call = this.#lastCall;
    return new Promise((resolve) => {
      const buffers = transferList(items.map((item) => item.payload));
      this.#post({ kind: 'enqueue', call, run, items }, buffers);
      this.#waiting.set(call, resolve);
    });
  }
}

async function prepare(request: EnqueueRequest): Promise<Prepared> {
  try {
    return { item: await toItem(request) };
  } catch (error) {
    return { error: toError(error) };
  }
}

/** As the client does it: a task of `defineTask` is validated and brings its options. */
export async function toItem({ task, options }: EnqueueRequest): Promise<EnqueueItem> {
  // Fields that no task has go along: the client of the main thread refuses them, e.g. an option in the wrong place.
  const { payload, definition: _here, ...fields }: NewTask & { definition?: unknown } = task;
  await validatePayload(task);
  const merged = { ...definitionOf(task)?.options, ...givenOf(options) };
  return {
    // Cloned here already, so that what cannot cross fails its own item only.
    ...structuredClone({ ...fields, options: merged }),
    ...(payload === undefined ? {} : { payload: encodePayload(payload, 'payload') }),
  };
}

/** What is `undefined` counts as not given, and must not hide what the definition says. */
function givenOf(options: object | undefined): object {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  );
}

function definitionOf(task: NewTask): TaskDefinition | undefined {
  const definition = (task as { definition?: unknown }).definition;
  return isTaskDefinition(definition) ? definition : undefined;
}

function join(prepared: readonly Prepared[], answers: readonly EnqueueAnswer[]): EnqueueResult[] {
  let next = 0;
  return prepared.map((one) => {
    if ('error' in one) return { ok: false, error: one.error };
    const answer = answers[next];
    next += 1;
    return toResult(answer);
  });
}

function toResult(answer: EnqueueAnswer | undefined): EnqueueResult {
  if (answer === undefined) {
    return { ok: false, error: new Error('the main thread gave no answer') };
  }
  return answer.ok
    ? { ok: true, info: answer.info as TaskInfo }
    : { ok: false, error: reviveError(answer.error) };
}
