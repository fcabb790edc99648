/**
 * Tells when a queue may have something to do for one duty, without polling. A queue that has nothing costs one command per
 * look, however many keys the duty reads: `EXISTS` takes them all, and has each of them tracked.
 *
 *     unknown --arm--> quiet until a change, or an instant that stands in a score --change--> unknown
 */
import type { Redis } from 'ioredis';
import { type QueueKeys, queueKeys } from '../wire/keys.ts';
import type { Duty, OnQueues, QueueWatch } from './broker.ts';
import type { BrokerContext } from './context.ts';
import type { KeyTracking } from './key-tracking.ts';
import { RECOVERY_MARGIN_SECONDS } from './settle.ts';
import { SWEEP_AFTER_SECONDS } from './groups.ts';

/** What a duty reads of a queue; one of `isDue` and `due`. */
interface Reading {
  keys(keys: QueueKeys): string[];
  /** Whether there is something to do, where the number of keys that are there tells it. One named twice counts twice. */
  isDue?(found: number): boolean;
  /** The second of Redis's clock from which on there is something to do; asked only when one of the keys is there. */
  due?(redis: Redis, keys: QueueKeys): Promise<number>;
}

const NOW = 0;
const NEVER = Number.POSITIVE_INFINITY;

const READINGS: Readonly<Record<Duty, Reading>> = {
  lease: {
    // A list is there as long as it has elements: with other weights the one look tells both. Of a hundred servers that
    // a task wakes, each asks.
    keys: ({ pending, paused }) => [pending, pending, paused],
    isDue: (found) => found === 2,
  },
  forward: {
    keys: ({ scheduled, retry }) => [scheduled, retry],
    due: async (redis, { scheduled, retry }) =>
      earliest([firstScore(redis, scheduled), firstScore(redis, retry)]),
  },
  recover: {
    keys: ({ lease, active }) => [lease, active],
    due: async (redis, { lease, active }) => {
      const [first, leases, tasks] = await Promise.all([
        firstScore(redis, lease),
        redis.zcard(lease),
        redis.llen(active),
      ]);
      // Some entry has lost its lease (trap 12), and only time tells whether its owner will put it back.
      return tasks > leases ? NOW : first + RECOVERY_MARGIN_SECONDS;
    },
  },
  reclaim: {
    keys: ({ aggregationSets, closedSets }) => [aggregationSets, closedSets],
    due: async (redis, { aggregationSets, closedSets }) =>
      earliest([
        firstScore(redis, aggregationSets),
        firstScore(redis, closedSets).then((closedAt) => closedAt + SWEEP_AFTER_SECONDS),
      ]),
  },
  expire: {
    keys: ({ completed }) => [completed],
    due: (redis, { completed }) => firstScore(redis, completed),
  },
  aggregate: {
    keys: ({ groups }) => [groups],
    isDue: (found) => found > 0,
  },
};

/** A watch over queues for one duty. */
export class RedisQueueWatch implements QueueWatch {
  readonly #context: BrokerContext;
  readonly #tracking: KeyTracking;
  readonly #reading: Reading;
  readonly #unsubscribe: () => void;

  constructor(context: BrokerContext, tracking: KeyTracking, duty: Duty, onChange: OnQueues) {
    this.#context = context;
    this.#tracking = tracking;
    this.#reading = READINGS[duty];
    const { prefix, ...names } = queueKeys('');
    const ours = this.#reading.keys({ prefix, ...names }).map((key) => key.slice(prefix.length));
    this.#unsubscribe = tracking.onQueues(ours, onChange);
  }

  async arm(queues: readonly string[]): Promise<readonly number[]> {
    const { isDue } = this.#reading;
    const all = queues.map(queueKeys);
    const found = await this.#tracking.read((redis) =>
      Promise.all(all.map((keys) => redis.exists(this.#reading.keys(keys)))),
    );
    if (isDue !== undefined) return found.map((count) => (isDue(count) ? NOW : NEVER));
    if (found.every((count) => count === 0)) return found.map(() => NEVER);
    const [now, ...dueAt] = await this.#tracking.read((redis) =>
      Promise.all([
        clockOf(redis),
        ...all.map((keys, index) => (found[index] === 0 ? NEVER : this.#due(redis, keys))),
      ]),
    );
    const nowMs = (now ?? 0) + this.#context.offsetSeconds * 1_000;
    return dueAt.map((second) => (second === NOW ? 0 : Math.max(0, second * 1_000 - nowMs)));
  }

  async close(): Promise<void> {
    this.#unsubscribe();
  }

  /** A key of another type is for the duty itself to meet. */
  async #due(redis: Redis, keys: QueueKeys): Promise<number> {
    try {
      return (await this.#reading.due?.(redis, keys)) ?? NOW;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return NOW;
      throw error;
    }
  }
}

async function earliest(instants: readonly Promise<number>[]): Promise<number> {
  return Math.min(...(await Promise.all(instants)));
}

async function firstScore(redis: Redis, key: string): Promise<number> {
  const [, score] = await redis.zrange(key, '0', '0', 'WITHSCORES');
  if (score === undefined) return NEVER;
  const second = Number(score);
  return Number.isNaN(second) ? NOW : second; // `-inf` and `inf`, which nobody of the protocol writes
}

/** Redis's clock in milliseconds. */
async function clockOf(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}
