/**
 * Fills a queue with millions of tasks in seconds: a script makes in Redis what a client would send, key by key. Only
 * the state is the protocol's; the counters of a client's call are missing, and IDs follow one another.
 */
import type { Redis } from 'ioredis';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { emptyTaskMessage, encodeTaskMessage } from '../../src/wire/task-message.ts';

/** States of tasks that wait, or are kept. */
export type FillState = 'pending' | 'scheduled' | 'archived';

/** What is stored. */
export interface Fill {
  readonly queue: string;
  readonly state: FillState;
  readonly count: number;
  readonly type: string;
  readonly payload: Uint8Array;
  /** Number of the first task, which its ID ends in. Default 0. */
  readonly first?: number;
}

/** Tasks made by one call, and calls under way at once. */
const STEP = 1_000;
const AT_ONCE = 8;

/** Where the archive begins and the schedule ends, in seconds from now: neither is due, and nothing is too old. */
const AGO_SECONDS = 86_400;
const AHEAD_SECONDS = 86_400;

/** IDs look like a client's, which are random; those of the states differ in their first digit. */
const ID_STARTS: Readonly<Record<FillState, string>> = {
  pending: '0f8fad5b-d9cb-469f-a165-',
  scheduled: '1f8fad5b-d9cb-469f-a165-',
  archived: '2f8fad5b-d9cb-469f-a165-',
};
const ID_DIGITS = 12;

/**
 * KEYS: the container. ARGV: prefix of hashes, how many, number of the first, state, start of the IDs, message before and
 * behind the ID, seconds between now and the score.
 */
const SCRIPT = `
local container, first, state, seconds = KEYS[1], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[8])
local clock = redis.call('TIME')
local since = string.format('%s%06d000', clock[1], tonumber(clock[2]))
for number = first, first + ARGV[2] - 1 do
  local id = ARGV[5] .. string.format('%0${ID_DIGITS}x', number)
  local task, message = ARGV[1] .. id, ARGV[6] .. id .. ARGV[7]
  if state == 'pending' then
    redis.call('HSET', task, 'msg', message, 'state', state, 'pending_since', since)
    redis.call('LPUSH', container, id)
  else
    redis.call('HSET', task, 'msg', message, 'state', state)
    redis.call('ZADD', container, string.format('%.0f', clock[1] + seconds + number % 3600), id)
  end
end`;

/** Stores the tasks, and registers the queue. */
export async function fillQueue(redis: Redis, fill: Fill): Promise<void> {
  const { queue, state, count, first = 0 } = fill;
  const keys = queueKeys(queue);
  const [before, behind] = messageAroundId(fill);
  const seconds = state === 'scheduled' ? AHEAD_SECONDS : -AGO_SECONDS;
  await redis.sadd(QUEUES, queue);
  const step = (from: number): Promise<unknown> =>
    redis.eval(
      SCRIPT,
      1,
      keys[state],
      keys.taskPrefix,
      Math.min(STEP, first + count - from),
      from,
      state,
      ID_STARTS[state],
      before,
      behind,
      seconds,
    );
  for (let from = first; from < first + count; from += STEP * AT_ONCE) {
    const starts = Array.from({ length: AT_ONCE }, (_, index) => from + index * STEP);
    await Promise.all(starts.filter((start) => start < first + count).map(step));
  }
}

/** All messages of a fill differ in their ID only. */
function messageAroundId({ queue, type, payload, state }: Fill): [Buffer, Buffer] {
  const id = ID_STARTS[state] + '0'.repeat(ID_DIGITS);
  const message = { ...emptyTaskMessage(), type, payload, id, queue, retry: 25, timeout: 1_800 };
  const bytes = Buffer.from(encodeTaskMessage(message));
  const at = bytes.lastIndexOf(id);
  return [bytes.subarray(0, at), bytes.subarray(at + id.length)];
}
