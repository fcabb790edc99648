/** Tasks of the protocol, stored before a runtime starts: Threadmill's and asynq's are the same bytes. */
import { Client, type EnqueueRequest } from '../../src/index.ts';
import type { Backlog } from './contender.ts';

/** Tasks in one `enqueueMany`: bounds what is under way. */
const BULK = 5_000;

/** Stores the backlog in this queue. Rejects unless all of it is stored. */
export async function storeBacklog(
  redisUrl: string,
  queue: string,
  { type, data, count }: Pick<Backlog, 'type' | 'data' | 'count'>,
): Promise<void> {
  const client = new Client({ redis: redisUrl });
  const request = { task: { type, payload: data }, options: { queue } };
  try {
    for (let left = count; left > 0; left -= BULK) {
      const requests = Array.from({ length: Math.min(left, BULK) }, () => request);
      await enqueueAll(client, requests);
    }
  } finally {
    await client.close();
  }
}

/** Enqueues many; rejects unless all are stored. */
export async function enqueueAll(client: Client, requests: EnqueueRequest[]): Promise<void> {
  for (const result of await client.enqueueMany(requests)) {
    if (!result.ok) throw result.error;
  }
}
