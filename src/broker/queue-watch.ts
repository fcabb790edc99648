/**
 * Tells when a queue may have got something to lease, without polling: Redis's client-side caching notices the first
 * change of keys that were read (protocol, section 27). Two connections serve any number of queues: one reads, and what
 * changed is sent to the other, which is subscribed to the channel of invalidations.
 *
 *     off --arm--> armed --first change--> off
 *
 * Whatever happens to a connection ends the arming and counts as a change: the caller looks once and arms again.
 */
import { queueKeys } from '../wire/keys.ts';
import type { QueueWatch } from './broker.ts';
import type { Connection } from './connection.ts';
import type { BrokerContext } from './context.ts';

/** A subscribed connection that died silently is noticed only when something is sent: it subscribes again so often. */
const PROBE_MS = 5_000;
const INVALIDATIONS = '__redis__:invalidate';

/** A watch over queues. */
export class RedisQueueWatch implements QueueWatch {
  readonly #reader: Connection;
  readonly #listener: Connection;
  readonly #onChange: () => void;
  /** The listener's ID once it is subscribed; gone with its connection. */
  #listening: Promise<number> | undefined;
  #probe: NodeJS.Timeout | undefined;
  /** The reader's tracking; gone with either connection. */
  #tracking: Promise<unknown> | undefined;

  constructor(context: BrokerContext, onChange: () => void) {
    // Connections of our own: the tracking of a shared one would report every key that it ever reads.
    this.#reader = context.connection.duplicate();
    this.#listener = context.connection.duplicate();
    this.#onChange = onChange;
    this.#reader.onState(() => this.#forget());
    this.#listener.onState(() => {
      this.#listening = undefined;
      this.#forget();
    });
  }

  async arm(queues: readonly string[]): Promise<boolean> {
    await this.#track();
    this.#probe ??= setInterval(() => this.#probeListener(), PROBE_MS).unref();
    const looks = await this.#reader.run((redis) =>
      Promise.all(
        queues.map((queue) => {
          const { pending, paused } = queueKeys(queue);
          return Promise.all([redis.llen(pending), redis.exists(paused)]);
        }),
      ),
    );
    return looks.some(([pending, paused]) => pending > 0 && paused === 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    await Promise.all([this.#reader.close(), this.#listener.close()]);
  }

  #forget(): void {
    this.#tracking = undefined;
    this.#onChange();
  }

  async #track(): Promise<void> {
    // Up first: the news that a connection is there would else forget what was prepared on it.
    await Promise.all([this.#listener.ready(), this.#reader.ready()]);
    this.#listening ??= this.#listen();
    const id = await kept(this.#listening, () => {
      this.#listening = undefined;
    });
    this.#tracking ??= this.#reader.run((redis) => redis.client('TRACKING', 'ON', 'REDIRECT', id));
    await kept(this.#tracking, () => {
      this.#tracking = undefined;
    });
  }

  /** The reader asks at every arming. Without an answer the connection is replaced, which counts as a change. */
  #probeListener(): void {
    if (this.#listening === undefined || !this.#listener.isUp()) return;
    this.#listener.run((redis) => redis.subscribe(INVALIDATIONS)).catch(() => undefined);
  }

  #listen(): Promise<number> {
    return this.#listener.run(async (redis) => {
      // The ID first: a subscribed connection may not ask for it any more.
      const id = await redis.client('ID');
      redis.removeListener('message', this.#onChange);
      redis.on('message', this.#onChange);
      await redis.subscribe(INVALIDATIONS);
      return id;
    });
  }
}

/** What failed is not kept: the next call tries again. */
async function kept<Value>(work: Promise<Value>, drop: () => void): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    drop();
    throw error;
  }
}
