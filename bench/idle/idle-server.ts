/** A server with many queues that waits, in this process, and tasks for any of them. */
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Server } from '../../src/index.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import { type FirstLineWatch, nowMs } from '../work/first-line.ts';

const HANDLERS = fileURLToPath(new URL('../handlers', import.meta.url));
const LIMIT_MS = 10_000;
const SHORTEST_PAUSE_MS = 10;
const PAUSES_MS = 40;

/** Settings of the queues as `queues` takes them. */
export function freshQueues(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, () => [freshQueue(), 1]));
}

/** Started by `open`. */
export class IdleServer {
  readonly #server: Server;
  readonly #client: Client;
  readonly #queues: readonly string[];

  private constructor(redisUrl: string, count: number, concurrency: number) {
    const queues = freshQueues(count);
    this.#queues = Object.keys(queues);
    this.#client = new Client({ redis: redisUrl });
    this.#server = new Server({
      redis: redisUrl,
      handlers: HANDLERS,
      queues,
      concurrency,
      logLevel: 'silent',
    });
  }

  static async open(redisUrl: string, count: number, concurrency: number): Promise<IdleServer> {
    const idle = new IdleServer(redisUrl, count, concurrency);
    await idle.#server.start();
    return idle;
  }

  /** From the call that enqueues to the handler's first line, in milliseconds, each time in any of the queues. */
  async pickups(watch: FirstLineWatch, count: number): Promise<number[]> {
    const latencies: number[] = [];
    for (let sample = 0; sample < count; sample += 1) {
      await sleep(SHORTEST_PAUSE_MS + Math.random() * PAUSES_MS);
      const queue = this.#queues[Math.floor(Math.random() * this.#queues.length)] ?? '';
      const begun = watch.next(LIMIT_MS);
      const calledAtMs = nowMs();
      const [beganAtMs] = await Promise.all([
        begun,
        this.#client.enqueue({ type: 'stamp', payload: { turns: 0 } }, { queue }),
      ]);
      latencies.push(beganAtMs - calledAtMs);
    }
    return latencies;
  }

  /** Ends it; the client first, which would be counted among the connections. */
  async close(): Promise<void> {
    await this.#client.close();
    await this.#server.shutdown();
  }
}
