/** Messages and broker set-up shared by the broker's tests. */
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import type { Broker } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import {
  emptyTaskMessage,
  encodeTaskMessage,
  type TaskMessage,
} from '../../src/wire/task-message.ts';
import { seed, type QueueState } from '../helpers/queue-state.ts';
import { type TestRedis, useRedis } from '../helpers/redis.ts';

/** The queue of all these tests. */
export const QUEUE = 'q';

/** An encoded message of task `id`. */
export function message(id: string, fields: Partial<TaskMessage> = {}): Buffer {
  const whole = { ...emptyTaskMessage(), type: 't', id, queue: QUEUE, retry: 25, timeout: 1800 };
  return Buffer.from(encodeTaskMessage({ ...whole, ...fields }));
}

/** An active task with its lease, as `seed` takes it. */
export function active(ids: readonly string[], leaseAt: number): Partial<QueueState> {
  return {
    active: ids,
    lease: Object.fromEntries(ids.map((id) => [id, leaseAt])),
    tasks: Object.fromEntries(ids.map((id) => [id, { msg: message(id), state: 'active' }])),
  };
}

/** A private Redis, a broker on it, and short forms of the helpers. */
export interface BrokerFixture {
  readonly redis: TestRedis;
  readonly client: Redis;
  readonly broker: Broker;
  /** A broker whose clock is shifted. */
  at(offsetSeconds: number): Broker;
  seed(parts: Partial<QueueState>): Promise<void>;
}

/** Starts Redis and a broker for one test file. */
export async function useBroker(): Promise<BrokerFixture> {
  const redis = await useRedis();
  const open = (timeOffsetSeconds: number): Broker => {
    const broker = createRedisBroker({
      redis: redis.url,
      connectTimeoutMs: 2000,
      timeOffsetSeconds,
    });
    after(() => broker.close());
    return broker;
  };
  return {
    redis,
    client: redis.client,
    broker: open(0),
    at: open,
    seed: (parts) => seed(redis.client, QUEUE, parts),
  };
}
