/** Reads queues for scrapes: at most once a second, one read for all scrapes that come together, never for long. */
import type { QueueInfo } from '../broker/broker.ts';
import { type Clock, systemClock } from '../clock.ts';

/** What was read last, and whether the last attempt failed for any queue. */
export interface QueueReading {
  readonly infos: readonly QueueInfo[];
  readonly isStale: boolean;
}

/** How long one reading serves. */
const CACHE_MS = 1000;
/** A Redis that does not answer must not hold up a scrape: Prometheus gives up after ten seconds by default. */
const READ_TIMEOUT_MS = 2000;

/** Reads through a cache. Never rejects: a queue that cannot be read keeps its last figures, and `isStale` says so. */
export class QueueReader {
  readonly #queues: readonly string[];
  readonly #queueInfo: (queue: string) => Promise<QueueInfo>;
  readonly #clock: Clock;
  readonly #latest = new Map<string, QueueInfo>();
  #reading: Promise<QueueReading> | undefined;
  #expiresAt = Number.NEGATIVE_INFINITY;

  constructor(
    queues: readonly string[],
    queueInfo: (queue: string) => Promise<QueueInfo>,
    clock: Clock = systemClock,
  ) {
    this.#queues = queues;
    this.#queueInfo = queueInfo;
    this.#clock = clock;
  }

  /** The reading of this second. */
  read(): Promise<QueueReading> {
    const now = this.#clock.monotonicMs();
    if (this.#reading === undefined || now >= this.#expiresAt) {
      this.#expiresAt = Number.POSITIVE_INFINITY; // while it runs, everyone shares it
      this.#reading = this.#readAll().finally(() => {
        this.#expiresAt = this.#clock.monotonicMs() + CACHE_MS;
      });
    }
    return this.#reading;
  }

  async #readAll(): Promise<QueueReading> {
    const answers = await Promise.all(this.#queues.map((queue) => this.#readOne(queue)));
    for (const info of answers) if (info !== undefined) this.#latest.set(info.queue, info);
    return { infos: [...this.#latest.values()], isStale: answers.includes(undefined) };
  }

  async #readOne(queue: string): Promise<QueueInfo | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), READ_TIMEOUT_MS);
    });
    try {
      return await Promise.race([this.#queueInfo(queue), timeout]);
    } catch {
      return undefined; // reported by the gauge; Redis being away is logged elsewhere, once
    } finally {
      clearTimeout(timer);
    }
  }
}
