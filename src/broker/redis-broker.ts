/** The broker over Redis: puts its parts together, and nothing else. */
import type { Broker } from './broker.ts';
import { markCanceled, publishCancel, subscribeCancel } from './cancelation.ts';
import { changing } from './changing.ts';
import { check } from './compatibility.ts';
import { type Connection, openConnection, type RedisOption } from './connection.ts';
import type { BrokerContext } from './context.ts';
import { replaceMessage, reschedule } from './edit-task.ts';
import { enqueue } from './enqueue.ts';
import { healthLooks } from './health-fleet.ts';
import { grouping } from './groups.ts';
import { adopt, heldRuns, heldTasks } from './held-tasks.ts';
import { inspecting } from './inspecting.ts';
import { KeyTracking } from './key-tracking.ts';
import { extend, lease } from './lease.ts';
import { Listener } from './listener.ts';
import { expiredLeases, localServers, lostTasks, unleased } from './lost-tasks.ts';
import { announce, withdraw } from './presence.ts';
import { RedisQueueWatch } from './queue-watch.ts';
import { scheduling } from './schedulers.ts';
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
  const duplicate = (): Connection => connection.duplicate();
  const subscribed = new Listener(duplicate);
  const tracking = new KeyTracking(duplicate, subscribed);
  let downAt = Number.NEGATIVE_INFINITY;
  connection.onState((isUp) => {
    if (!isUp) downAt = performance.now();
    else if (!connection.isCluster) [subscribed, tracking].forEach((each) => each.renew(downAt));
  });
  return {
    check: () => check(context),
    ping: async () => void (await connection.run((redis) => redis.ping())),
    tryWrite: (...args) => tryWrite(context, ...args),
    enqueue: (...args) => enqueue(context, ...args),
    ...inspecting(context),
    ...scheduling(context),
    reschedule: (call) => reschedule(context, call),
    replaceMessage: (call) => replaceMessage(context, call),
    ...changing(context),
    lease: (call) => lease(context, call),
    watchQueues: (...args) =>
      connection.isCluster ? undefined : new RedisQueueWatch(context, tracking, ...args),
    extend: (call) => extend(context, call),
    heldTasks: (...args) => heldTasks(context, ...args),
    heldRuns: (...args) => heldRuns(context, ...args),
    adopt: (adoption) => adopt(context, adoption),
    settle: (call) => settle(context, call),
    forward: (queue) => forward(context, queue),
    expireCompleted: (queue) => expireCompleted(context, queue),
    expiredLeases: (queue) => expiredLeases(context, queue),
    settleExpired: (...args) => settleExpired(context, ...args),
    unleased: (queue) => unleased(context, queue),
    lostTasks: (queue, runs) => lostTasks(context, queue, runs),
    settleUnleased: (...args) => settleUnleased(context, ...args),
    ...grouping(context),
    localServers: (host) => localServers(context, host),
    announce: (entry) => announce(context, entry),
    withdraw: (address) => withdraw(context, address),
    publishCancel: (taskId) => publishCancel(context, taskId),
    markCanceled: (...args) => markCanceled(context, ...args),
    subscribeCancel: async (onCancel) => {
      const leave = await subscribeCancel(subscribed, onCancel);
      return async () => leave();
    },
    health: healthLooks(context),
    isConnected: () => connection.isUp(),
    onConnectionChange: (listener) => connection.onState(listener),
    close: async () => {
      await Promise.all([tracking.close(), subscribed.close()]);
      await connection.close();
    },
  };
}
