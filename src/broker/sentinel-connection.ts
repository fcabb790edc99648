/**
 * A connection to the master that Sentinel names. It hears from every sentinel when another server has become master: a
 * former master that still lives goes on as one for about ten seconds, until a sentinel tells it, and what is written
 * there meanwhile is lost.
 */
import { isIP } from 'node:net';
import type { Redis, RedisOptions } from 'ioredis';
import type { ConnectionLimits } from './connection.ts';
import { reconnectDelay } from './redis-options.ts';
import { createRedis, openSingle, SingleConnection } from './single-connection.ts';

const SWITCHED = '+switch-master';
/** A sentinel that is away is missed by nobody as long as there is another: it is tried this much more seldom. */
const PATIENCE = 5;
/** How long all sentinels take to hear of a failover, and the former master to be told: no longer than this. */
const NEWS_MS = 10_000;

/** Opens a connection for options with `sentinels`. Throws `InvalidOptionsError` for options that break the protocol. */
export function openThroughSentinel(
  options: RedisOptions,
  limits: Required<ConnectionLimits>,
): SingleConnection {
  return new SentinelConnection(createRedis(options, limits), limits);
}

class SentinelConnection extends SingleConnection {
  readonly #redis: Redis;
  readonly #limits: Required<ConnectionLimits>;
  #listeners: readonly SingleConnection[] = [];
  /** Who became master, and when we heard of it. */
  #heir: { host: string; port: number; toldAt: number } | undefined;

  constructor(redis: Redis, limits: Required<ConnectionLimits>) {
    super(redis, limits, true);
    this.#redis = redis;
    this.#limits = limits;
    this.onState((isUp) => {
      if (!isUp) return;
      if (this.#listeners.length === 0) this.#listen();
      this.#leaveFormer();
    });
  }

  override async close(): Promise<void> {
    await Promise.all([super.close(), ...this.#listeners.map((each) => each.close())]);
  }

  #listen(): void {
    const { sentinels, sentinelUsername, sentinelPassword, sentinelTLS } = this.#redis.options;
    this.#listeners = (sentinels ?? []).map((where) => {
      const options: RedisOptions = {
        ...where,
        port: where.port ?? 26_379,
        enableReadyCheck: false, // asks for what a sentinel's user needs no right to
        ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
        ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
        ...(sentinelTLS === undefined ? {} : { tls: sentinelTLS }),
      };
      const slowly = (attempt: number): number => reconnectDelay(attempt) * PATIENCE;
      const listener = openSingle(options, this.#limits, slowly);
      listener.onState((isUp) => {
        if (isUp) this.#subscribe(listener);
      });
      listener.ready().catch(() => undefined); // it goes on trying
      return listener;
    });
  }

  /** Without the right to it, or while a sentinel is away, a failover is seen by what the servers answer. */
  #subscribe(listener: SingleConnection): void {
    listener
      .run(async (redis) => {
        redis.removeListener('message', this.#onMessage);
        redis.on('message', this.#onMessage);
        await redis.subscribe(SWITCHED);
      })
      .catch(() => undefined);
  }

  readonly #onMessage = (_channel: string, text: string): void => {
    const [name, , , host = '', port = ''] = text.split(' ');
    if (name !== this.#redis.options.name) return;
    this.#heir = { host, port: Number(port), toldAt: performance.now() };
    this.#leaveFormer();
  };

  /** A sentinel that has not heard of the failover yet may lead back to the former master. */
  #leaveFormer(): void {
    const isNews = performance.now() - (this.#heir?.toldAt ?? -NEWS_MS) < NEWS_MS;
    // Only while it is connected: in the midst of connecting, ioredis takes it for the end.
    if (isNews && this.#redis.status === 'ready' && !this.#isAtHeir()) this.#redis.disconnect(true);
  }

  #isAtHeir(): boolean {
    const { host = '', port } = this.#heir ?? {};
    const { remoteAddress, remotePort } = this.#redis.stream;
    const isSameHost = isIP(host) === 0 || remoteAddress?.replace('::ffff:', '') === host;
    return remotePort === port && isSameHost;
  }
}
