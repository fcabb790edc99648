/** Reads lists of tasks in bounded steps: the caller of `list-ids.lua` and `read-tasks.lua`. */
import { queueKeys } from '../wire/keys.ts';
import type { PlacedId, PlacedIds, TaskBody, TaskPlace } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { optional, toBytes, toList, toNumber, toText } from './reply.ts';

/** What one script reads at most, unless a single task is larger. */
const BYTES_PER_STEP = 1_048_576;
/** A larger task is read by a plain command: inside a script that takes Redis seven times as long. */
const LARGE_BYTES = 131_072;
const FIELDS = ['msg', 'pending_since'] as const;

/** The key that holds the IDs of a place. */
export function placeKey({ queue, state, group = '' }: TaskPlace): string {
  const keys = queueKeys(queue);
  return state === 'aggregating' ? keys.group(group) : keys[state];
}

/** Entries of a place in asynq's order (protocol 13.6). */
export async function listIds(
  context: BrokerContext,
  place: TaskPlace,
  start: number,
  count: number,
): Promise<PlacedIds> {
  const { lease } = queueKeys(place.queue);
  const args = [context.offsetSeconds, place.state, start, count];
  const reply = await call(context, 'list-ids', [placeKey(place), lease], args);
  const [total, now, ...fields] = toList(reply);
  return { total: toNumber(total), now: toNumber(now), entries: readEntries(fields) };
}

/** Bodies of tasks, as many per script as 1 MiB holds; Redis is free between the scripts. */
export async function readTasks(
  context: BrokerContext,
  queue: string,
  ids: readonly string[],
  hasResults: boolean,
): Promise<(TaskBody | undefined)[]> {
  const keys = ids.map(queueKeys(queue).task);
  const bodies: (TaskBody | undefined)[] = [];
  while (bodies.length < keys.length) {
    const rest = keys.slice(bodies.length);
    const args = [BYTES_PER_STEP, LARGE_BYTES, hasResults ? '1' : '0'];
    const reply = toList(await call(context, 'read-tasks', rest, args));
    for (const [index, fields] of reply.entries()) {
      const isLarge = fields === 1;
      const read = isLarge ? await readLarge(context, rest[index] ?? '', hasResults) : fields;
      bodies.push(optional(read, readBody));
    }
  }
  return bodies;
}

async function readLarge(
  { connection }: BrokerContext,
  key: string,
  hasResult: boolean,
): Promise<unknown> {
  const fields = hasResult ? [...FIELDS, 'result'] : FIELDS;
  return connection.run((redis) => redis.hmgetBuffer(key, ...fields), { key });
}

function readBody(reply: unknown): TaskBody {
  const [message, since, storedResult] = toList(reply);
  const result = optional(storedResult, toBytes);
  const sinceText = optional(since, toText) ?? '';
  return {
    message: optional(message, toBytes) ?? new Uint8Array(),
    ...(result === undefined ? {} : { result }),
    ...(/^\d{1,19}$/.test(sinceText) ? { pendingSince: Number(sinceText) / 1e6 } : {}),
  };
}

/** Pairs of ID and score, as scripts answer them. */
export function readEntries(fields: readonly unknown[]): PlacedId[] {
  return Array.from({ length: fields.length / 2 }, (_, i) => ({
    id: toText(fields[2 * i]),
    score: optional(fields[2 * i + 1], toNumber),
  }));
}
