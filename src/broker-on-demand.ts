/** What clients and inspectors share: a broker that is opened at the first call, on the Redis that was given or found. */
import type { Broker } from './broker/broker.ts';
import type { RedisOption } from './broker/connection.ts';
import { createRedisBroker } from './broker/redis-broker.ts';
import { findRedis } from './embedded/find-redis.ts';
import { ClientClosedError } from './errors.ts';

/** Options of `BrokerOnDemand`. */
export interface BrokerOnDemandOptions {
  /** Default: `REDIS_URL`, else the embedded Redis of this folder. */
  readonly redis?: RedisOption | undefined;
  readonly connectTimeoutMs: number;
  /** What is closed, in the error of a call after `close()`. */
  readonly owner: 'client' | 'inspector';
}

/** One broker, opened once. */
export class BrokerOnDemand {
  readonly #options: BrokerOnDemandOptions;
  #broker: Broker | undefined;
  #isClosed = false;

  /** A given Redis is checked at once: a forbidden option is an error of this line, not of the first call. */
  constructor(options: BrokerOnDemandOptions) {
    this.#options = options;
    if (options.redis !== undefined) this.#broker = this.#open(options.redis);
  }

  /**
   * The broker. Throws `ClientClosedError` after `close()`, `NoRedisError` where none was given and none is found; each
   * call looks again, as the server may be started meanwhile.
   */
  get(): Broker {
    if (this.#isClosed) throw new ClientClosedError(this.#options.owner);
    this.#broker ??= this.#open(findRedis());
    return this.#broker;
  }

  /** Closes the connection, unless it is the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#broker?.close();
  }

  #open(redis: RedisOption): Broker {
    return createRedisBroker({ redis, connectTimeoutMs: this.#options.connectTimeoutMs });
  }
}
