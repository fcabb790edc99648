/** What one stage is worked on with: who enqueues, who looks into Redis, and a folder where tasks leave marks. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker } from '../src/broker/broker.ts';
import { createRedisBroker } from '../src/broker/redis-broker.ts';
import { Client, type EnqueueRequest, type QueueInfo, type TaskInfo } from '../src/index.ts';
import { type Marked, uniqueSeconds } from './marker.ts';

const CONNECT_MS = 5_000;

/** One queue's tools. */
export class Field {
  readonly folder: string;
  /** What `sleep` is told in tasks of this queue. */
  readonly seconds: string = uniqueSeconds();
  readonly queue: string;
  readonly #client: Client;
  readonly #broker: Broker;

  constructor(redisUrl: string, queue: string, scratch: string) {
    this.queue = queue;
    this.folder = mkdtempSync(join(scratch, `${queue}-`));
    this.#client = new Client({ redis: redisUrl });
    this.#broker = createRedisBroker({ redis: redisUrl, connectTimeoutMs: CONNECT_MS });
  }

  /** Enqueues all; answers their IDs. Throws if one was refused. */
  async enqueue(requests: readonly EnqueueRequest[]): Promise<string[]> {
    const { queue } = this;
    const own = requests.map(({ task, options }) => ({ task, options: { ...options, queue } }));
    return (await this.#client.enqueueMany(own)).map((result) => {
      if (!result.ok) throw result.error;
      return result.info.id;
    });
  }

  /** What tasks that leave marks are given. */
  get marked(): Marked {
    return { folder: this.folder, seconds: this.seconds };
  }

  task(id: string): Promise<TaskInfo | undefined> {
    return this.#client.getTask({ queue: this.queue, id });
  }

  info(): Promise<QueueInfo> {
    return this.#broker.queueInfo(this.queue);
  }

  cancel(id: string): Promise<number> {
    return this.#client.cancel(id);
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.#broker.close();
  }
}
