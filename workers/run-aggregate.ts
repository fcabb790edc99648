/** Runs an aggregate function on the tasks of a group. */
import type { AggregateContext, AggregatorDefinition, GroupedTask } from '../src/aggregator.ts';
import type { TaskContext } from '../src/handler.ts';
import { NotSerializableError } from '../src/errors.ts';
import { show } from '../src/show.ts';
import type { EnqueueItem, GroupParcel } from '../src/threads/messages.ts';
import { toItem } from './enqueue-calls.ts';
import { ResultRefused } from './run-handler.ts';
import { parseJson } from './thread-task.ts';

/** A group as it came to the thread. */
export interface GroupInput {
  readonly group: GroupParcel;
  /** The payloads of its tasks, one after the other. */
  readonly payload: Uint8Array;
}

/** The task that stands for the group, encoded; `undefined` when there is to be none. */
export async function aggregateGroup(
  aggregator: AggregatorDefinition,
  input: GroupInput,
  ctx: TaskContext,
): Promise<EnqueueItem | undefined> {
  const returned: unknown = await aggregator.aggregate(
    input.group.name,
    tasksOf(input),
    narrowed(ctx),
  );
  if (returned === null) return undefined;
  if (typeof returned !== 'object') throw new TypeError(`${WANTED}, not ${show(returned)}`);
  const { options, ...task } = returned as { options?: object; type: string };
  try {
    return await toItem(options === undefined ? { task } : { task, options });
  } catch (error) {
    throw error instanceof NotSerializableError ? new ResultRefused(error) : error;
  }
}

/** A return that was forgotten must not delete a group. */
const WANTED = 'an aggregate function returns a task, { type, payload, options }, or null for none';

function tasksOf({ group, payload }: GroupInput): GroupedTask[] {
  const { ids, types, ends, headers } = group;
  return ids.map((id, index) => {
    const bytes = payload.subarray(index === 0 ? 0 : ends[index - 1], ends[index]);
    return new ThreadGroupedTask(id, types[index] ?? '', bytes, headers.get(index) ?? {});
  });
}

/** Its JSON is parsed when it is asked for, once. */
class ThreadGroupedTask implements GroupedTask {
  readonly id: string;
  readonly type: string;
  readonly payload: Uint8Array;
  readonly headers: GroupedTask['headers'];
  #parsed: { readonly value: unknown } | undefined;

  constructor(id: string, type: string, payload: Uint8Array, headers: GroupedTask['headers']) {
    this.id = id;
    this.type = type;
    this.payload = payload;
    this.headers = headers;
  }

  json(): unknown {
    this.#parsed ??= { value: parseJson(this.payload) };
    return this.#parsed.value;
  }
}

/** What a task has beyond that means nothing here: a group has no progress, no result and no attempt of its own. */
function narrowed(ctx: TaskContext): AggregateContext {
  const { throwIfCanceled, heartbeat } = ctx;
  return {
    get signal() {
      return ctx.signal;
    },
    get canceled() {
      return ctx.canceled;
    },
    get log() {
      return ctx.log;
    },
    throwIfCanceled,
    heartbeat,
  };
}
