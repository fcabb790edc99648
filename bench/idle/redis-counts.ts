/** What Redis says of those who use it. */
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../src/broker/redis-url.ts';

/** Asks on a connection of its own, which is counted nowhere. */
export class RedisCounts {
  readonly #redis: Redis;
  #asked = 0;

  constructor(url: string) {
    this.#redis = new Redis({ ...parseRedisUrl(url), replyMapping: 'legacy' });
  }

  /** Commands carried out so far, calls inside scripts included. */
  async commands(): Promise<number> {
    const [, count] =
      /^total_commands_processed:(\d+)/m.exec(await this.#redis.info('stats')) ?? [];
    this.#asked += 1; // Redis counts a command when it is over
    return Number(count) - this.#asked + 1;
  }

  async connections(): Promise<number> {
    const [, count] = /^connected_clients:(\d+)/m.exec(await this.#redis.info('clients')) ?? [];
    this.#asked += 1;
    return Number(count) - 1;
  }

  close(): void {
    this.#redis.disconnect();
  }
}
