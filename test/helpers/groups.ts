/** Groups as a producer in Go fills them (protocol 8.5). */
import type { Redis } from 'ioredis';
import { QUEUES, queueKeys } from '../../src/wire/keys.ts';
import { emptyTaskMessage, encodeTaskMessage } from '../../src/wire/task-message.ts';

/** What a test says about the tasks of a group; the rest has defaults. */
export interface GroupOptions {
  readonly queue?: string;
  /** JSON values, one per task. */
  readonly payloads: readonly unknown[];
  readonly headers?: Record<string, string>;
  /** Seconds ago at which they joined. Default 100. */
  readonly ageSeconds?: number;
  /** IDs are this and a number from 0 on. Default `task-`. */
  readonly idPrefix?: string;
}

/** Adds tasks to a group; answers their IDs. */
export async function addToGroup(
  client: Redis,
  group: string,
  { queue = 'default', payloads, headers = {}, ageSeconds = 100, idPrefix = 'task-' }: GroupOptions,
): Promise<string[]> {
  const keys = queueKeys(queue);
  const [now = 0] = (await client.time()).map(Number);
  const batch = client.pipeline().sadd(QUEUES, queue);
  const ids = payloads.map((payload, index) => {
    const id = `${idPrefix}${String(index).padStart(5, '0')}`;
    const message = {
      ...emptyTaskMessage(),
      type: 'item',
      id,
      queue,
      retry: 25,
      timeout: 1800,
      groupKey: group,
      headers,
      payload: Buffer.from(JSON.stringify(payload)),
    };
    const msg = Buffer.from(encodeTaskMessage(message));
    batch.hset(keys.task(id), { msg, state: 'aggregating', group });
    batch.zadd(keys.group(group), now - ageSeconds, id);
    return id;
  });
  await batch.sadd(keys.groups, group).exec();
  return ids;
}
