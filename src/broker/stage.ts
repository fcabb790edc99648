/**
 * Large values on their way into a task's hash: the caller of `stage.lua`. A value of 10 MB that passes through a script
 * holds Redis for 100 to 200 ms, a plain HSET of it for 6. But only a script can tell whose a task is. So the values are
 * written into a hash of their own, which the script puts in the place of the task's if the task is still the caller's. It
 * goes by itself when no script comes.
 */
import { randomUUID } from 'node:crypto';
import { RedisReplyError } from '../errors.ts';
import type { QueueKeys } from '../wire/keys.ts';
import { stampTaskMessage } from '../wire/task-message.ts';
import type { Settlement } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { asBuffer, toNumber } from './reply.ts';

/** Bytes of a message or result from which on it is staged: below, a script and an HSET cost more than they spare. */
const LARGE_BYTES = 262_144;
/** How long it is kept for the script, in seconds. */
const KEPT_SECONDS = 60;

/** Where values were written, and their fields, with spaces between them. */
export interface StagedValues {
  readonly key: string;
  readonly fields: string;
}

/** Whether the settlement brings values that are to be staged. */
export function isLarge(settlement: Settlement): boolean {
  return hasLargeMessage(settlement) || hasLargeResult(settlement);
}

/**
 * Writes what is large; `undefined` where Redis refuses to, as it is full: what tasks end with is written all the same, by
 * the script. Answers before Redis has: what it refuses then is not there when the script looks. The message is stamped
 * with Redis's time of now.
 */
export async function stage(
  context: BrokerContext,
  keys: QueueKeys,
  settlement: Settlement,
): Promise<StagedValues | undefined> {
  const key = keys.staged(randomUUID());
  const now = await begin(context, key);
  if (now === undefined) return undefined;
  const fields: string[] = [];
  const write = (field: string, bytes: Uint8Array): void => {
    fields.push(field);
    const written = context.connection.run(
      // Late enough it makes the hash anew, which nobody would ever delete.
      (redis) =>
        Promise.all([redis.hset(key, field, asBuffer(bytes)), redis.expire(key, KEPT_SECONDS)]),
      { key },
    );
    written.catch(() => undefined);
  };
  if (hasLargeMessage(settlement)) {
    write('msg', stampTaskMessage(settlement.message, now));
  }
  if (hasLargeResult(settlement)) write('result', settlement.result);
  return { key, fields: fields.join(' ') };
}

/** Deletes what no script has taken: its call failed, and the next one writes it anew. It would go by itself. */
export function unstage({ connection }: BrokerContext, staged: readonly StagedValues[]): void {
  for (const { key } of staged) {
    connection.run((redis) => redis.unlink(key), { key }).catch(() => undefined);
  }
}

/** Redis's time in seconds. */
async function begin(context: BrokerContext, key: string): Promise<number | undefined> {
  try {
    return toNumber(await call(context, 'stage', [key], [context.offsetSeconds, KEPT_SECONDS]));
  } catch (error) {
    if (error instanceof RedisReplyError) return undefined;
    throw error;
  }
}

type WithMessage = Extract<Settlement, { kind: 'complete' | 'retry' | 'archive' }>;

function hasLargeMessage(settlement: Settlement): settlement is WithMessage {
  if (!('message' in settlement)) return false;
  const { head, tail } = settlement.message;
  return head.length + tail.length >= LARGE_BYTES;
}

function hasLargeResult(
  settlement: Settlement,
): settlement is Extract<Settlement, { kind: 'complete' }> & { readonly result: Uint8Array } {
  return settlement.kind === 'complete' && (settlement.result?.length ?? 0) >= LARGE_BYTES;
}
