/** Threadmill itself, through its public classes and with its defaults. */
import { fileURLToPath } from 'node:url';
import type { BenchRedis } from '../bench-redis.ts';
import { Client, type EnqueueRequest, Server } from '../../src/index.ts';
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

const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));

/** Runs, enqueues and picks up tasks with Threadmill. */
export class Threadmill implements Drains, Enqueues, PicksUp {
  readonly name = 'Threadmill';
  readonly #redis: BenchRedis;

  constructor(redis: BenchRedis) {
    this.#redis = redis;
  }

  async drain(backlog: Backlog): Promise<Timing> {
    const queue = freshQueue();
    await this.#store(queue, backlog);
    const stopwatch = new Stopwatch(backlog.count);
    const server = this.#server(queue, backlog.concurrency, backlog.tasksPerThread);
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

  async openIdle(concurrency: number): Promise<IdleRuntime> {
    const queue = freshQueue();
    const client = new Client({ redis: this.#redis.url });
    const server = this.#server(queue, concurrency, 1);
    const broken = new Promise<never>((_resolve, reject) => onTrouble(server, reject));
    broken.catch(() => undefined); // it may come when nobody waits any more
    await server.start();
    return {
      broken,
      enqueueStamp: async () => {
        await client.enqueue({ type: 'stamp', payload: { turns: 0 } }, { queue });
      },
      close: async () => {
        await server.shutdown();
        await client.close();
      },
    };
  }

  #server(queue: string, concurrency: number, tasksPerThread: number): Server {
    return new Server({
      redis: this.#redis.url,
      handlers: HANDLERS,
      queues: { [queue]: 1 },
      concurrency,
      tasksPerThread,
      logLevel: 'silent',
    });
  }

  async #store(queue: string, { type, data, count }: Backlog): Promise<void> {
    const client = new Client({ redis: this.#redis.url });
    const request = { task: { type, payload: data }, options: { queue } };
    try {
      await enqueueAll(
        client,
        Array.from({ length: count }, () => request),
      );
    } finally {
      await client.close();
    }
  }
}

async function enqueueAll(client: Client, requests: EnqueueRequest[]): Promise<void> {
  for (const result of await client.enqueueMany(requests)) {
    if (!result.ok) throw result.error;
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
