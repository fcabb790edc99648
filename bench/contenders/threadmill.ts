/** Threadmill itself, through its public classes and with its defaults. */
import { fileURLToPath } from 'node:url';
import type { BenchRedis } from '../bench-redis.ts';
import { Client, Server } from '../../src/index.ts';
import { nowMs } from '../work/first-line.ts';
import { Stopwatch, type Timing } from '../stopwatch.ts';
import {
  type Backlog,
  type Drains,
  type Enqueues,
  type IdleRuntime,
  type PicksUp,
  type Producer,
  timed,
} from './contender.ts';
import { ENQUEUE_PAYLOAD } from './payload.ts';
import { freshQueue } from './queue-name.ts';
import { enqueueAll, storeBacklog } from './store-backlog.ts';

const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));

/** Runs, enqueues and picks up tasks with Threadmill. */
export class Threadmill implements Drains, Enqueues, PicksUp {
  readonly name = 'Threadmill';
  readonly #redis: BenchRedis;

  constructor(redis: BenchRedis) {
    this.#redis = redis;
  }

  drain(backlog: Backlog): Promise<Timing> {
    return this.#drain(backlog, new Stopwatch(backlog.count, backlog));
  }

  /** As `drain`, cut into so many parts. */
  async drainLaps(backlog: Backlog, laps: number): Promise<readonly Timing[]> {
    const stopwatch = new Stopwatch(backlog.count, { ...backlog, laps });
    await this.#drain(backlog, stopwatch);
    return stopwatch.laps;
  }

  async #drain(backlog: Backlog, stopwatch: Stopwatch): Promise<Timing> {
    const queue = freshQueue();
    await storeBacklog(this.#redis.url, queue, backlog);
    const server = this.#server(queue, backlog);
    server.on('succeeded', () => stopwatch.tick());
    onTrouble(server, (error) => stopwatch.fail(error));
    await server.start().catch((error: unknown) => stopwatch.fail(asError(error)));
    return timed(stopwatch, async () => void (await server.shutdown()));
  }

  async openProducer(): Promise<Producer> {
    const client = new Client({ redis: this.#redis.url });
    const options = { queue: freshQueue() };
    const task = { type: 'image:resize', payload: ENQUEUE_PAYLOAD };
    return {
      one: async () => {
        await client.enqueue(task, options);
      },
      many: (count) =>
        enqueueAll(
          client,
          Array.from({ length: count }, () => ({ task, options })),
        ),
      close: () => client.close(),
    };
  }

  /** `enqueue`: stores a `stamp` in the queue and answers when it was called. Default: with this package's client. */
  async openIdle(
    concurrency: number,
    enqueue?: (queue: string) => Promise<number>,
  ): Promise<IdleRuntime> {
    const queue = freshQueue();
    const client = new Client({ redis: this.#redis.url });
    const server = this.#server(queue, { concurrency, tasksPerThread: 1 });
    const broken = new Promise<never>((_resolve, reject) => onTrouble(server, reject));
    broken.catch(() => undefined); // it may come when nobody waits any more
    await server.start();
    return {
      broken,
      enqueueStamp: async () => {
        if (enqueue !== undefined) return enqueue(queue);
        const calledAtMs = nowMs();
        await client.enqueue({ type: 'stamp', payload: { turns: 0 } }, { queue });
        return calledAtMs;
      },
      close: async () => {
        await server.shutdown();
        await client.close();
      },
    };
  }

  #server(
    queue: string,
    work: Pick<Backlog, 'concurrency' | 'tasksPerThread' | 'tasksPerMessage'>,
  ): Server {
    const { concurrency, tasksPerThread, tasksPerMessage } = work;
    return new Server(
      {
        redis: this.#redis.url,
        handlers: HANDLERS,
        queues: { [queue]: 1 },
        concurrency,
        tasksPerThread,
        logLevel: 'silent',
      },
      { tasksPerMessage },
    );
  }
}

/** No task of the benchmark fails, none is lost, and Redis stays: anything else spoils the figures. */
function onTrouble(server: Server, tell: (error: Error) => void): void {
  server.on('failed', ({ error }) => tell(error));
  server.on('fault', ({ where, error }) => tell(new Error(`fault in ${where}`, { cause: error })));
  server.on('lost', ({ task }) => tell(new Error(`task ${task.id} was lost`)));
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
