/** What a waiting task takes in Redis: the task, its place in the queue, and its share of Redis's tables. */
import type { Redis } from 'ioredis';
import {
  bullmqStores,
  type Stores,
  threadmillStores,
  type Waiting,
} from '../contenders/stored-bytes.ts';
import { atMost } from '../goal.ts';
import { openProbe, redisMemory } from '../redis-probe.ts';
import { inTurns } from '../rounds.ts';
import type { Row } from '../row.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

/**
 * Bytes of JSON that a task carries. Redis keeps a hash compact while no value is above 64 bytes: BullMQ's up to payloads
 * of that size, the protocol's never, as the ID, the type and the queue stand in one value with the payload.
 */
const PAYLOADS = [20, 60, 100, 500];

/** Sizes from this on are held against the goal. */
const JUDGED_FROM = 100;

const SIZES = {
  full: { count: 20_000, rounds: 3, payloads: PAYLOADS },
  quick: { count: 2_000, rounds: 5, payloads: PAYLOADS.filter((bytes) => bytes >= JUDGED_FROM) },
} as const;

/** Against BullMQ, payload by payload. */
export const memory: Measure = {
  name: 'memory',
  title: 'memory of waiting tasks in Redis',
  about:
    'Bytes of Redis per pending task, all of it counted: the task, its place in the queue, and its share of the tables. ' +
    'Redis keeps a hash compact while no value in it is above 64 bytes. Below 60 bytes of payload the hash of BullMQ stays ' +
    'compact and that of the protocol cannot, as ID, type and queue stand in one value with the payload: there BullMQ needs ' +
    'less, and no goal is set.',
  run: async (bench) => {
    const redis = openProbe(bench.redis.url);
    try {
      const rows: Row[] = [];
      for (const bytes of SIZES[bench.scale.name].payloads)
        rows.push(...(await measurePayload(bench, redis, bytes)));
      bench.note(
        'memory: below 60 bytes of payload Redis keeps the hash of a BullMQ job compact (no value above 64 bytes); in the ' +
          'protocol ID, type, queue and payload stand in one value, which is longer than that.',
      );
      return rows;
    } finally {
      redis.disconnect();
    }
  },
};

async function measurePayload(bench: Bench, redis: Redis, bytes: number): Promise<Row[]> {
  const { count, rounds } = SIZES[bench.scale.name];
  const sides = [threadmillStores(bench.redis.url), bullmqStores(bench.redis.url)] as const;
  const turns = sides.map((side) => ({
    name: side.name,
    slice: () => bytesPerTask(bench, redis, side, { count, data: dataOf(bytes) }),
  }));
  const [ours, peer] = sides;
  return compareAll(await inTurns(turns, rounds), {
    measure: 'memory',
    metric: {
      title: `Redis memory of a pending task, payload of ${bytes} bytes`,
      unit: 'bytes',
      better: 'lower',
    },
    ours: ours.name,
    peers: [peer.name],
    // Nothing that happens beside it changes what Redis allocates: a quick run asks for all of it.
    goals: bytes < JUDGED_FROM ? {} : { [peer.name]: atMost(1, { quickShare: 1 }) },
    figure: (perTask) => perTask,
  });
}

/** By the difference that the tasks make to all of Redis. */
async function bytesPerTask(
  bench: Bench,
  redis: Redis,
  side: Stores,
  waiting: Waiting,
): Promise<number> {
  const grown = await side.growth(waiting, () => redisMemory(redis));
  await bench.redis.clean();
  return grown / waiting.count;
}

/** So many bytes as JSON. */
function dataOf(bytes: number): object {
  return { d: 'x'.repeat(bytes - '{"d":""}'.length) };
}
