/** The broker over Redis: puts its parts together, and nothing else. */
import type { Broker } from './broker.ts';
import {
  type CancelSubscription,
  markCanceled,
  publishCancel,
  subscribeCancel,
} from './cancelation.ts';
import { check } from './compatibility.ts';
import { openConnection, type RedisOption } from './connection.ts';
import type { BrokerContext } from './context.ts';
import { enqueue } from './enqueue.ts';
import { adopt, heldTasks } from './held-tasks.ts';
import { queueInfo, queues } from './inspect-queues.ts';
import { getTask } from './inspect-tasks.ts';
import { extend, lease } from './lease.ts';
import { expiredLeases, localServers, unleased } from './lost-tasks.ts';
import { announce, withdraw } from './presence.ts';
import { RedisQueueWatch } from './queue-watch.ts';
import { settle, settleExpired, settleUnleased } from './settle.ts';
import { tryWrite } from './try-write.ts';
import { expireCompleted, forward } from './upkeep.ts';

export { parseRedisUrl } from './redis-url.ts';

/** Options of `createRedisBroker`. */
export interface RedisBrokerOptions {
  readonly redis: RedisOption;
  /** How long a call waits for the connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long a call waits for the reply, in milliseconds. Default: `connectTimeoutMs`. */
  readonly commandTimeoutMs?: number;
  /** Seconds added to Redis's clock in every script. Tests use it to travel in time. Default 0. */
  readonly timeOffsetSeconds?: number;
}

/**
 * A broker over one Redis; it connects at the first call. Throws `InvalidOptionsError` for options that break the
 * protocol. Its calls throw `RedisUnreachableError`, `ReplyLostError` and `RedisReplyError`, and never hang.
 */
export function createRedisBroker(options: RedisBrokerOptions): Broker {
  const connection = openConnection(options.redis, options);
  const context: BrokerContext = { connection, offsetSeconds: options.timeOffsetSeconds ?? 0 };
  const subscriptions = new Set<CancelSubscription>();
  const watches = new Set<RedisQueueWatch>();
  return {
    check: () => check(context),
    ping: async () => void (await connection.run((redis) => redis.ping())),
    tryWrite: (...args) => tryWrite(context, ...args),
    enqueue: (...args) => enqueue(context, ...args),
    getTask: (...args) => getTask(context, ...args),
    lease: (call) => lease(context, call),
    watchQueues: (onChange) => {
      if (connection.isCluster) return undefined;
      const watch = new RedisQueueWatch(context, onChange);
      watches.add(watch);
      return watch;
    },
    extend: (call) => extend(context, call),
    heldTasks: (...args) => heldTasks(context, ...args),
    adopt: (adoption) => adopt(context, adoption),
    settle: (call) => settle(context, call),
    forward: (queue) => forward(context, queue),
    expireCompleted: (queue) => expireCompleted(context, queue),
    expiredLeases: (queue) => expiredLeases(context, queue),
    settleExpired: (...args) => settleExpired(context, ...args),
    unleased: (queue) => unleased(context, queue),
    settleUnleased: (...args) => settleUnleased(context, ...args),
    localServers: (host) => localServers(context, host),
    announce: (entry) => announce(context, entry),
    withdraw: (address) => withdraw(context, address),
    publishCancel: (taskId) => publishCancel(context, taskId),
    markCanceled: (taskId) => markCanceled(context, taskId),
    subscribeCancel: async (onCancel) => {
      const subscription = await subscribeCancel(context, onCancel);
      subscriptions.add(subscription);
      return async () => {
        subscriptions.delete(subscription);
        await subscription.close();
      };
    },
    queues: () => queues(context),
    queueInfo: (queue) => queueInfo(context, queue),
    isConnected: () => connection.isUp(),
    onConnectionChange: (listener) => connection.onState(listener),
    close: async () => {
      await Promise.all([...subscriptions, ...watches].map((each) => each.close()));
      await connection.close();
    },
  };
}
