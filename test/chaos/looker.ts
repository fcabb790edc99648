/** Looks at Redis again and again while a run goes on: a state that heals by itself was wrong all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisPair } from './redis-pair.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

const EVERY_MS = 1_000;

/** Looks until it is closed. */
export class Looker {
  readonly looks: Snapshot[] = [];
  readonly #over = new AbortController();
  readonly #loop: Promise<void>;

  constructor(redis: RedisPair) {
    this.#loop = this.#run(redis);
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#loop;
  }

  async #run(redis: RedisPair): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      const look = await takeSnapshot(redis.client, false).catch(() => undefined);
      if (look !== undefined) this.looks.push(look);
    }
  }
}
