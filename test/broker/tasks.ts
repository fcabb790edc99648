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
import { LEASE_FIELD, OWNER_FIELD } from '../../src/wire/task-fields.ts';
import { seed, type QueueState, type TaskFields } from '../helpers/queue-state.ts';
import { type TestRedis, useRedis } from '../helpers/redis.ts';

/** The queue of all these tests. */
export const QUEUE = 'q';
/** Who leases in these tests. */
export const OWNER = 'us';

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

/** What a lease that ends at this second leaves in the hash of its task. */
export function leasedBy(owner: string, leaseAt: number): TaskFields {
  return { [OWNER_FIELD]: owner, [LEASE_FIELD]: `${leaseAt}` };
}

/** As `active`, leased for an owner. */
export function held(
  ids: readonly string[],
  { owner = OWNER, leaseAt, fields = {} }: { owner?: string; leaseAt: number; fields?: TaskFields },
): Partial<QueueState> {
  const { tasks = {}, ...containers } = active(ids, leaseAt);
  const whole = Object.entries(tasks).map(([id, task]) => [
    id,
    { ...task, ...leasedBy(owner, leaseAt), ...fields },
  ]);
  return { ...containers, tasks: Object.fromEntries(whole) };
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
