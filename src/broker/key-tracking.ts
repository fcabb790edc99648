/**
 * Redis's client-side caching, used to hear of changes without polling (protocol, section 27): keys that were read on one
 * connection are tracked until their first change, which is told to the broker's listener. Two connections serve any
 * number of queues and duties.
 *
 * Whatever happens to a connection ends all tracking: everybody is told, and looks anew.
 */
import type { Redis } from 'ioredis';
import { splitQueueKey } from '../wire/keys.ts';
import type { OnQueues } from './broker.ts';
import type { Connection } from './connection.ts';
import type { Heard, Listener } from './listener.ts';

const INVALIDATIONS = '__redis__:invalidate';

/** The tracking of one broker. */
export class KeyTracking {
  readonly #connect: () => Connection;
  readonly #listener: Listener;
  /** By the name of a key within its queue: each change is told to those alone who read that key. */
  readonly #onQueues = new Map<string, Set<OnQueues>>();
  #reader: Connection | undefined;
  /** Since when the reader is there; `undefined` when it is not. */
  #upAtMs: number | undefined;
  #isSubscribed = false;
  /** Gone with either connection. */
  #tracking: Promise<unknown> | undefined;

  /** `connect` makes a connection of its own: the tracking of a shared one would report every key that it ever reads. */
  constructor(connect: () => Connection, listener: Listener) {
    this.#connect = connect;
    this.#listener = listener;
    listener.onLost(() => this.#forget());
  }

  /**
   * Calls back with the queues of which a key of one of these names has changed, or with `undefined` when any may have,
   * until the returned function is called.
   */
  onQueues(names: readonly string[], onQueues: OnQueues): () => void {
    for (const name of names) {
      const listeners = this.#onQueues.get(name) ?? new Set();
      this.#onQueues.set(name, listeners.add(onQueues));
    }
    return () => {
      for (const name of names) this.#onQueues.get(name)?.delete(onQueues);
    };
  }

  /** Reads keys, each of which is told of when it changes next. Throws what `Connection.run` throws. */
  async read<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply> {
    const reader = this.#open();
    // Up first: the news that a connection is there would else forget what was prepared on it.
    await reader.ready();
    this.#tracking ??= this.#track(reader);
    const tracking = this.#tracking;
    try {
      await tracking;
    } catch (error) {
      if (this.#tracking === tracking) this.#tracking = undefined; // the next call tries again
      throw error;
    }
    return await reader.run(command);
  }

  /**
   * Goes on with a new connection if it has one since before this instant, by the monotonic clock: the server that the
   * broker works with may be another one now, and a former master lives on as a replica that tells late, or nothing.
   */
  renew(beforeMs: number): void {
    const reader = this.#reader;
    if (reader === undefined || this.#upAtMs === undefined || this.#upAtMs >= beforeMs) return;
    this.#reader = undefined;
    this.#upAtMs = undefined;
    void reader.close(); // never throws
    this.#forget();
  }

  async close(): Promise<void> {
    this.#onQueues.clear();
    this.#reader ??= this.#connect(); // a closed one, so that every later call is refused
    await this.#reader.close();
  }

  #open(): Connection {
    if (this.#reader !== undefined) return this.#reader;
    const reader = this.#connect();
    this.#reader = reader;
    reader.onState((isUp) => {
      if (reader !== this.#reader) return;
      this.#upAtMs = isUp ? performance.now() : undefined;
      this.#forget();
    });
    return reader;
  }

  async #track(reader: Connection): Promise<void> {
    const id = await this.#listener.id();
    if (!this.#isSubscribed) {
      await this.#listener.subscribe(INVALIDATIONS, (heard) => this.#hear(heard));
      this.#isSubscribed = true;
    }
    await reader.run((redis) => redis.client('TRACKING', 'ON', 'REDIRECT', id));
  }

  #forget(): void {
    this.#tracking = undefined;
    this.#tellAll();
  }

  /** A flush comes without keys. */
  #hear(heard: Heard): void {
    if (!Array.isArray(heard)) return this.#tellAll();
    for (const key of heard as readonly Buffer[]) {
      const split = splitQueueKey(key.toString());
      if (split === undefined) continue;
      for (const onQueues of this.#onQueues.get(split.name) ?? []) onQueues([split.queue]);
    }
  }

  #tellAll(): void {
    for (const onQueues of new Set([...this.#onQueues.values()].flatMap((each) => [...each]))) {
      onQueues(undefined);
    }
  }
}
