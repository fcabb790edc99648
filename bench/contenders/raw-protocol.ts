/** The scripts without handlers: what a runtime could do at best that speaks this protocol over one connection. */
import { randomUUID } from 'node:crypto';
import type { Broker, LeasedTask } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import type { BenchRedis } from '../bench-redis.ts';
import { Stopwatch, type Timing } from '../stopwatch.ts';
import { type Backlog, type Drains, timed } from './contender.ts';
import { freshQueue } from './queue-name.ts';
import { storeBacklog } from './store-backlog.ts';

/** Tasks per script: with more the rate hardly rises, and the script would hold Redis for longer. */
const BATCH = 200;
const LEASE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** Leases and acknowledges in batches; the next lease is under way while the last batch is acknowledged. */
export class RawProtocol implements Drains {
  readonly name = 'the scripts without handlers';
  readonly #redis: BenchRedis;

  constructor(redis: BenchRedis) {
    this.#redis = redis;
  }

  async drain(backlog: Backlog): Promise<Timing> {
    const queue = freshQueue();
    await storeBacklog(this.#redis.url, queue, backlog);
    const stopwatch = new Stopwatch(backlog.count, backlog);
    const broker = createRedisBroker({
      redis: this.#redis.url,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    work(broker, queue, stopwatch).catch((error: unknown) => {
      stopwatch.fail(error instanceof Error ? error : new Error(String(error)));
    });
    return timed(stopwatch, () => broker.close());
  }
}

async function work(broker: Broker, queue: string, stopwatch: Stopwatch): Promise<void> {
  const server = randomUUID();
  let firstRun = 1;
  const next = async (): Promise<readonly LeasedTask[]> => {
    const call = { queue, max: BATCH, leaseMs: LEASE_MS, server, firstRun };
    firstRun += BATCH;
    return (await broker.lease(call)).tasks;
  };
  let tasks = await next();
  while (tasks.length > 0) {
    const done = tasks.map(({ id, run }) => ({
      run,
      settlement: { kind: 'done', id, uniqueKey: '' } as const,
    }));
    const [replies, leased] = await Promise.all([
      broker.settle({ queue, server, settlements: done }),
      next(),
    ]);
    if (replies.some((reply) => reply !== 'settled')) throw new Error('a lease was lost');
    for (const _ of replies) stopwatch.tick();
    tasks = leased;
  }
}
