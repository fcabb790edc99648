/**
 * The subscribed connection of a broker: a subscribed connection takes no other commands, so that one of its own carries
 * all channels, cancel requests as well as Redis's news of changed keys (protocol, section 27).
 *
 *     unnamed --CLIENT ID--> named --SUBSCRIBE--> subscribed, and from the start with each new connection
 */
import type { Redis } from 'ioredis';
import { RedisReplyError } from '../errors.ts';
import type { Connection } from './connection.ts';

/** Pause before a refused subscription is tried again, as in asynq. */
const RESUBSCRIBE_MS = 5_000;
/** A subscribed connection that died silently is noticed only when something is sent: it subscribes again so often. */
const PROBE_MS = 5_000;

/** What came: text for most channels; a list of keys, or nothing, for invalidations. */
export type Heard = Buffer | readonly Buffer[] | null;

/** Carries subscriptions; from the first on it subscribes again by itself whenever the connection comes back. */
export class Listener {
  readonly #connect: () => Connection;
  readonly #channels = new Map<string, Set<(heard: Heard) => void>>();
  readonly #onLost = new Set<() => void>();
  #connection: Connection | undefined;
  /** Since when it is there; `undefined` when it is not. */
  #upAtMs: number | undefined;
  #hasHandler = false;
  /** Its name in Redis, to be asked for before it is subscribed; gone with the connection. */
  #id: Promise<number> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Connects at the first subscription. */
  constructor(connect: () => Connection) {
    this.#connect = connect;
  }

  /**
   * Calls back for what comes on a channel, until the returned function is called. The first subscription is awaited; if
   * it fails, the call rejects with what `Connection.run` throws, and nothing is left behind.
   */
  async subscribe(channel: string, onHeard: (heard: Heard) => void): Promise<() => void> {
    const connection = this.#open();
    const listeners = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, listeners);
    listeners.add(onHeard);
    const leave = (): void => this.#leave(channel, onHeard);
    try {
      await this.#named();
      await connection.run((redis) => redis.subscribe(channel));
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** The ID of its connection. Throws what `Connection.run` throws. */
  async id(): Promise<number> {
    const connection = this.#open();
    // Up first: the news that a connection is there would else forget what was asked on it.
    await connection.ready();
    this.#id ??= connection.run((redis) => this.#identify(redis));
    const asked = this.#id;
    try {
      return await asked;
    } catch (error) {
      // A refusal stands for as long as the connection: once subscribed, it may not be asked again.
      if (this.#id === asked && !(error instanceof RedisReplyError)) this.#id = undefined;
      throw error;
    }
  }

  /** Who may not know the ID may listen all the same. */
  async #named(): Promise<void> {
    try {
      await this.id();
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
    }
  }

  /** Calls back when the connection goes, and when it is there again. */
  onLost(listener: () => void): () => void {
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /**
   * Goes on with a new connection if it has one since before this instant, by the monotonic clock: the server that the
   * broker works with may be another one now, and a former master lives on as a replica that tells late, or nothing.
   */
  renew(beforeMs: number): void {
    if (this.#upAtMs === undefined || this.#upAtMs >= beforeMs) return;
    void this.#drop(); // never throws
    this.#tellLost();
    if (this.#channels.size > 0) this.#resubscribe();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#channels.clear();
    const connection = this.#connection ?? this.#connect();
    await this.#drop();
    this.#connection = connection; // a closed one, so that every later call is refused
    await connection.close();
  }

  async #drop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#upAtMs = undefined;
    this.#hasHandler = false;
    this.#id = undefined;
    clearTimeout(this.#retry);
    clearInterval(this.#probe);
    await connection?.close();
  }

  #open(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#connect();
    this.#connection = connection;
    connection.onState((isUp) => {
      if (connection !== this.#connection || this.#isClosed) return;
      this.#id = undefined;
      this.#upAtMs = isUp ? performance.now() : undefined;
      this.#tellLost();
      if (isUp) this.#resubscribe();
    });
    this.#probe = setInterval(() => {
      if (connection.isUp()) this.#resubscribe();
    }, PROBE_MS).unref();
    return connection;
  }

  #tellLost(): void {
    for (const listener of this.#onLost) listener();
  }

  async #identify(redis: Redis): Promise<number> {
    if (!this.#hasHandler) {
      redis.on('messageBuffer', (channel, heard) => this.#hear(channel, heard));
    }
    this.#hasHandler = true;
    return redis.client('ID');
  }

  #hear(channel: Buffer, heard: Heard): void {
    if (this.#isClosed) return;
    for (const listener of this.#channels.get(channel.toString()) ?? []) listener(heard);
  }

  #leave(channel: string, onHeard: (heard: Heard) => void): void {
    const listeners = this.#channels.get(channel);
    listeners?.delete(onHeard);
    if (listeners === undefined || listeners.size > 0) return;
    this.#channels.delete(channel);
    // Else it stays subscribed and nobody hears: to unsubscribe is a right of its own.
    if (this.#channels.size === 0 && !this.#isClosed) void this.#drop(); // never throws
  }

  /** A lost connection calls back when it is there again; a refusal on a living one is tried again after a pause. */
  #resubscribe(): void {
    clearTimeout(this.#retry);
    this.#subscribeAll().catch(() => {
      if (this.#isClosed) return;
      this.#retry = setTimeout(() => this.#resubscribe(), RESUBSCRIBE_MS).unref();
    });
  }

  async #subscribeAll(): Promise<void> {
    if (this.#channels.size === 0) return;
    const connection = this.#open();
    await this.#named();
    // One by one: a user may be allowed one channel and not the other.
    const subscribed = [...this.#channels.keys()].map((channel) =>
      connection.run((redis) => redis.subscribe(channel)),
    );
    const refused = (await Promise.allSettled(subscribed)).find(
      ({ status }) => status === 'rejected',
    );
    if (refused?.status === 'rejected') throw refused.reason;
  }
}
