/** Messages and broker set-up shared by the broker's tests. */
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import type {
  Broker,
  ExtendReply,
  LeaseReply,
  Settlement,
  SettleReply,
} from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import {
  emptyTaskMessage,
  encodeTaskMessage,
  type TaskMessage,
} from '../../src/wire/task-message.ts';
import { LEASE_FIELD } from '../../src/wire/task-fields.ts';
import { seed, type QueueState, type TaskFields } from '../helpers/queue-state.ts';
import { type TestRedis, useRedis } from '../helpers/redis.ts';

/** The queue of all these tests. */
export const QUEUE = 'q';
/** Who leases in these tests. */
export const OWNER = 'us';
/** The run of every task that is seeded as leased, and of the first one that is leased. */
export const RUN = 7;

/** An encoded message of task `id`. */
export function message(id: string, fields: Partial<TaskMessage> = {}): Buffer {
  const whole = { ...emptyTaskMessage(), type: 't', id, queue: QUEUE, retry: 25, timeout: 1800 };
  return Buffer.from(encodeTaskMessage({ ...whole, ...fields }));
}

/** What a lease that ends at this second leaves in the hash of its task. */
export function leasedBy(owner: string, leaseAt: number, run: number = RUN): TaskFields {
  return { [LEASE_FIELD]: `${owner} ${run} ${leaseAt}` };
}

/** An active task with its lease, as `seed` takes it, and nobody's name on it: what a server in Go makes. */
export function nobodys(ids: readonly string[], leaseAt: number): Partial<QueueState> {
  return {
    active: ids,
    lease: Object.fromEntries(ids.map((id) => [id, leaseAt])),
    tasks: Object.fromEntries(ids.map((id) => [id, { msg: message(id), state: 'active' }])),
  };
}

/** As `nobodys`, leased for an owner. */
export function held(
  ids: readonly string[],
  { owner = OWNER, leaseAt, fields = {} }: { owner?: string; leaseAt: number; fields?: TaskFields },
): Partial<QueueState> {
  const { tasks = {}, ...containers } = nobodys(ids, leaseAt);
  const whole = Object.entries(tasks).map(([id, task]) => [
    id,
    { ...task, ...leasedBy(owner, leaseAt), ...fields },
  ]);
  return { ...containers, tasks: Object.fromEntries(whole) };
}

/** As `nobodys`, leased for us. */
export function active(ids: readonly string[], leaseAt: number): Partial<QueueState> {
  return held(ids, { leaseAt });
}

/** Leases for us; the first task gets run `RUN`, the next ones those that follow. */
export function leaseOurs(broker: Broker, max = 1, queue: string = QUEUE): Promise<LeaseReply> {
  return broker.lease({ queue, max, leaseMs: 30_000, server: OWNER, firstRun: RUN });
}

/** Extends leases of run `RUN` of an owner, which no thread has begun. */
export function extendOurs(
  broker: Broker,
  ids: readonly string[],
  server: string = OWNER,
): Promise<ExtendReply> {
  const tasks = ids.map((id) => ({ id, run: RUN, hasBegun: false }));
  return broker.extend({ queue: QUEUE, leaseMs: 30_000, server, tasks });
}

/** Settles tasks of run `RUN` of an owner. */
export function settleOurs(
  broker: Broker,
  settlements: readonly Settlement[],
  server: string = OWNER,
): Promise<SettleReply[]> {
  const runs = settlements.map((settlement) => ({ run: RUN, settlement }));
  return broker.settle({ queue: QUEUE, server, settlements: runs });
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
