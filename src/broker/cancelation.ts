/**
 * Cancel requests. Over Pub/Sub (protocol 12.2), which is fast and best effort; and as a mark beside the running task,
 * the caller of `mark-canceled.lua`, which whoever extends the lease sees even if it missed the message.
 */
import { CANCEL_CHANNEL, QUEUES, queueKeys } from '../wire/keys.ts';
import type { Connection } from './connection.ts';
import { type BrokerContext, call } from './context.ts';
import { toNumber } from './reply.ts';

/** Pause before a refused subscription is tried again, as in asynq. */
const RESUBSCRIBE_MS = 5000;
/** A subscribed connection that died silently is noticed only when something is sent: it subscribes again so often. */
const PROBE_MS = 5000;

/** Asks every server of the fleet to cancel a task. Nobody answers. */
export async function publishCancel(context: BrokerContext, taskId: string): Promise<void> {
  await context.connection.run((redis) => redis.publish(CANCEL_CHANNEL, taskId));
}

/**
 * Marks the active tasks of this ID, one script per queue in one round trip, as only the keys of one queue share a
 * Cluster slot; answers how many.
 */
export async function markCanceled(context: BrokerContext, taskId: string): Promise<number> {
  const names = await context.connection.run((redis) => redis.smembers(QUEUES), { key: QUEUES });
  const marked = await Promise.all(
    names
      .map(queueKeys)
      .map(({ lease, taskPrefix }) =>
        call(context, 'mark-canceled', [lease], [taskPrefix, taskId]),
      ),
  );
  return marked.map(toNumber).reduce((sum, count) => sum + count, 0);
}

/** Listens for cancel requests on a connection of its own, as a subscribed one takes no commands. */
export class CancelSubscription {
  readonly #connection: Connection;
  readonly #onCancel: (taskId: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(connection: Connection, onCancel: (taskId: string) => void) {
    this.#connection = connection;
    this.#onCancel = onCancel;
  }

  /** Subscribes; from then on again by itself whenever the connection comes back. Throws what `Connection.run` throws. */
  async open(): Promise<void> {
    // First, so that a connection lost in between is noticed; to subscribe twice does no harm.
    this.#connection.onState((isUp) => {
      if (isUp) this.#resubscribe();
    });
    await this.#connection.run(async (redis) => {
      redis.on('message', (channel, taskId) => this.#receive(channel, taskId));
      await redis.subscribe(CANCEL_CHANNEL);
    });
    this.#probe = setInterval(() => {
      if (this.#connection.isUp()) this.#resubscribe();
    }, PROBE_MS).unref();
  }

  /** Ends the subscription and its connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#probe);
    await this.#connection.close();
  }

  #receive(channel: string, taskId: string): void {
    if (!this.#isClosed && channel === CANCEL_CHANNEL) this.#onCancel(taskId);
  }

  /** A lost connection calls back when it is there again; a refusal on a living one is tried again after a pause. */
  #resubscribe(): void {
    clearTimeout(this.#timer);
    this.#connection
      .run((redis) => redis.subscribe(CANCEL_CHANNEL))
      .catch(() => {
        if (this.#isClosed) return;
        this.#timer = setTimeout(() => this.#resubscribe(), RESUBSCRIBE_MS).unref();
      });
  }
}

/**
 * Calls back for every cancel request until the returned function is called. The first subscription is awaited; if it
 * fails, nothing is left open and the call rejects.
 */
export async function subscribeCancel(
  context: BrokerContext,
  onCancel: (taskId: string) => void,
): Promise<CancelSubscription> {
  const subscription = new CancelSubscription(context.connection.duplicate(), onCancel);
  try {
    await subscription.open();
  } catch (error) {
    await subscription.close();
    throw error;
  }
  return subscription;
}
