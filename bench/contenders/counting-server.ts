/** A server on a queue of the benchmark that counts, for measures that look at more than how fast a backlog goes. */
import { fileURLToPath } from 'node:url';
import { Server } from '../../src/index.ts';

const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));

/** Nothing takes so long: something hangs, and the benchmark fails instead of waiting for ever. */
const LIMIT_MS = 120_000;

/** What it is to do. */
export interface CountingServerOptions {
  readonly redisUrl: string;
  readonly queue: string;
  readonly threads: number;
  readonly tasksPerThread: number;
}

/** Counts tasks that are settled, as success or failure. Anything else that goes wrong ends the measure. */
export class CountingServer {
  settled = 0;
  readonly #server: Server;
  readonly #broken: Promise<never>;
  #aim = Number.POSITIVE_INFINITY;
  #reach: () => void = () => undefined;

  constructor({ redisUrl, queue, threads, tasksPerThread }: CountingServerOptions) {
    this.#server = new Server({
      redis: redisUrl,
      handlers: HANDLERS,
      queues: { [queue]: 1 },
      concurrency: threads * tasksPerThread,
      tasksPerThread,
      logLevel: 'silent',
    });
    this.#server.on('succeeded', () => this.#tick());
    this.#server.on('archived', () => this.#tick());
    this.#broken = new Promise((_resolve, reject) => {
      this.#server.on('fault', ({ where, error }) =>
        reject(new Error(`fault in ${where}`, { cause: error })),
      );
      this.#server.on('lost', ({ task }) => reject(new Error(`task ${task.id} was lost`)));
    });
    this.#broken.catch(() => undefined); // it may come when nobody waits
  }

  async start(): Promise<void> {
    await this.#server.start();
  }

  /** Resolves with the task that makes it so many. One call at a time. */
  async reached(settled: number): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const arrived = new Promise<void>((resolve, reject) => {
      if (this.settled >= settled) return resolve();
      this.#aim = settled;
      this.#reach = resolve;
      limit = setTimeout(
        () => reject(new Error(`only ${this.settled} of ${settled} tasks were settled`)),
        LIMIT_MS,
      );
    });
    await Promise.race([arrived, this.#broken]).finally(() => clearTimeout(limit));
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }

  #tick(): void {
    this.settled += 1;
    if (this.settled >= this.#aim) this.#reach();
  }
}
