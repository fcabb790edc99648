/** Both sides of the comparison of what a waiting task takes in Redis: each stores so many, through its public class. */
import { Queue } from 'bullmq';
import { Client } from '../../src/index.ts';
import { parseRedisUrl } from '../../src/broker/redis-url.ts';
import { BENCH_PREFIX } from '../bench-redis.ts';
import { freshQueue } from './queue-name.ts';

/** What is stored: nobody serves its queue. */
export interface Waiting {
  readonly count: number;
  readonly data: object;
}

/** Stores tasks in a queue of their own. */
export interface Stores {
  readonly name: string;
  /**
   * Answers by how much what is read has grown from before the tasks to behind them; one more task comes before, which
   * brings all that a queue and its caller need once.
   */
  growth(waiting: Waiting, read: () => Promise<number>): Promise<number>;
}

/** Tasks in one call of either. */
const BULK = 1_000;

/** Type of the tasks, and name of the jobs. */
const TYPE = 'noop';

/** Ours. */
export function threadmillStores(url: string): Stores {
  return {
    name: 'Threadmill',
    growth: async ({ count, data }, read) => {
      const client = new Client({ redis: url });
      const request = { task: { type: TYPE, payload: data }, options: { queue: freshQueue() } };
      try {
        await client.enqueue(request.task, request.options);
        const before = await read();
        await inBulks(count, async (size) => {
          for (const result of await client.enqueueMany(
            Array.from({ length: size }, () => request),
          ))
            if (!result.ok) throw result.error;
        });
        return (await read()) - before;
      } finally {
        await client.close();
      }
    },
  };
}

/** BullMQ's, with the options that make a job go when it is done, as our tasks do. */
export function bullmqStores(url: string): Stores {
  return {
    name: 'BullMQ',
    growth: async ({ count, data }, read) => {
      // A copy, as BullMQ's type of the same options knows no `undefined`.
      const connection = Object.fromEntries(Object.entries(parseRedisUrl(url)));
      const queue = new Queue<object, unknown>(freshQueue(), { connection, prefix: BENCH_PREFIX });
      const job = { name: TYPE, data, opts: { removeOnComplete: true, removeOnFail: true } };
      try {
        await queue.add(job.name, job.data, job.opts);
        const before = await read();
        await inBulks(count, async (size) => {
          await queue.addBulk(Array.from({ length: size }, () => job));
        });
        return (await read()) - before;
      } finally {
        await queue.close();
      }
    },
  };
}

async function inBulks(count: number, store: (size: number) => Promise<void>): Promise<void> {
  for (let left = count; left > 0; left -= BULK) await store(Math.min(left, BULK));
}
