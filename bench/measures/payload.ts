/** Tasks with payloads and results of megabytes: how fast they go, and how long a single call holds Redis. */
import type { Redis } from 'ioredis';
import { Client } from '../../src/index.ts';
import { BENCH_PREFIX } from '../bench-redis.ts';
import { CountingServer } from '../contenders/counting-server.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import { atLeast, atMost } from '../goal.ts';
import { longestCall, openProbe, type SlowCall } from '../redis-probe.ts';
import { inTurns } from '../rounds.ts';
import { figureRow, type Row } from '../row.ts';
import { touchPages } from '../work/touch.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

const MB = 1_000_000;
const PAYLOADS_MB = [1, 10];

/** Megabytes of a slice. Memory of Redis and of the runtime is several times as much. */
const SIZES = {
  full: { rounds: 15, sliceMb: 100, looks: 5 },
  quick: { rounds: 5, sliceMb: 20, looks: 1 },
} as const;

/** Goals: the share of the bare client's rate, and the longest time that a call may hold Redis. */
const LEAST_SHARE = 0.8;
const LONGEST_MS = 8;

const OURS = 'Threadmill';
const BARE = 'bare HGET and a copy';

/** Against the client library that both sides stand on. */
export const payload: Measure = {
  name: 'payload',
  title: 'payloads and results of 1 and 10 MB',
  run: async (bench) => {
    const redis = openProbe(bench.redis.url);
    try {
      const rows: Row[] = [];
      for (const mb of PAYLOADS_MB) {
        const bytes = new Uint8Array(mb * MB).fill(0x61);
        rows.push(...(await compareRates(bench, redis, bytes)));
        rows.push(...(await longestCalls(bench, redis, bytes)));
      }
      return rows;
    } finally {
      redis.disconnect();
      await bench.redis.clean();
    }
  },
};

async function compareRates(bench: Bench, redis: Redis, bytes: Uint8Array): Promise<Row[]> {
  const { rounds, sliceMb } = SIZES[bench.scale.name];
  const count = Math.max(4, Math.round((sliceMb * MB) / bytes.byteLength));
  const turns = [
    { name: OURS, slice: () => drain(bench, bytes, count) },
    { name: BARE, slice: () => fetchBare(redis, bytes, count) },
  ];
  const slices = await inTurns(turns, rounds);
  return compareAll(slices, {
    measure: 'payload',
    metric: {
      title: `tasks with a payload of ${bytes.byteLength / MB} MB`,
      unit: '/s',
      better: 'higher',
    },
    ours: OURS,
    peers: [BARE],
    goals: { [BARE]: atLeast(LEAST_SHARE) },
    figure: (perSecond) => perSecond,
  });
}

/** Tasks a second, from the first that is settled to the last. */
async function drain(bench: Bench, bytes: Uint8Array, count: number): Promise<number> {
  const queue = freshQueue();
  await store(bench, queue, 'touch', bytes, count + 1);
  const server = serve(bench, queue);
  await server.start();
  try {
    await server.reached(1);
    const startedAt = performance.now();
    const before = server.settled;
    await server.reached(count + 1);
    return ((server.settled - before) * 1_000) / (performance.now() - startedAt);
  } finally {
    await server.close();
    await bench.redis.clean();
  }
}

/** One hash per task, one call after the other; the bytes are copied once and looked at. */
async function fetchBare(redis: Redis, bytes: Uint8Array, count: number): Promise<number> {
  const key = (index: number): string => `${BENCH_PREFIX}:payload:${index}`;
  for (let i = 0; i < count; i++) await redis.hset(key(i), 'msg', Buffer.from(bytes.buffer));
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) {
    const reply = await redis.hgetBuffer(key(i), 'msg');
    if (reply === null) throw new Error('Redis has lost a hash');
    touchPages(new Uint8Array(reply));
  }
  const perSecond = (count * 1_000) / (performance.now() - startedAt);
  for (let i = 0; i < count; i++) await redis.unlink(key(i));
  return perSecond;
}

/** What is looked at: a handler, and what its tasks do with large bytes. */
const ACTS = [
  { type: 'touch', title: 'tasks' },
  { type: 'echo', title: 'kept results' },
  { type: 'fail', title: 'failures' },
] as const;

/** One row per act with large bytes, of several looks: whoever else runs on the machine may stop Redis in a call. */
async function longestCalls(bench: Bench, redis: Redis, bytes: Uint8Array): Promise<Row[]> {
  const found = new Map<string, SlowCall[]>();
  const bare = new Map<string, SlowCall[]>();
  for (let look = 0; look < SIZES[bench.scale.name].looks; look++) {
    for (const act of ACTS) {
      const { enqueuing, running } = await lookAt(bench, redis, act.type, bytes);
      add(found, 'enqueuing', enqueuing);
      add(found, act.title, running);
      for (const [title, call] of await bareCalls(redis, bytes)) add(bare, title, call);
    }
  }
  const figures = (calls: readonly SlowCall[]): number[] => calls.map(({ ms }) => ms);
  const size = `${bytes.byteLength / MB} MB`;
  const rows = [...found].map(([title, calls]) => {
    const whole = `longest call in Redis, ${title} of ${size}`;
    const commands = [...new Set(calls.map(({ command }) => command))];
    bench.note(`payload, ${whole}: ${commands.join(', ')}.`);
    const metric = { title: whole, unit: 'ms', better: 'lower' } as const;
    return figureRow('payload', metric, figures(calls), atMost(LONGEST_MS));
  });
  for (const [title, calls] of bare) {
    const metric = { title: `${title} of ${size} by itself`, unit: 'ms', better: 'lower' } as const;
    rows.push(figureRow('payload', metric, figures(calls)));
  }
  return rows;
}

/** What the least takes that can be done with such bytes: no call that stores or fetches them is shorter on this machine. */
async function bareCalls(redis: Redis, bytes: Uint8Array): Promise<[string, SlowCall][]> {
  const keys = Array.from({ length: 4 }, (_, i) => `${BENCH_PREFIX}:payload:${i}`);
  const value = Buffer.from(bytes.buffer);
  const stored = await longestCall(redis, async () => {
    for (const key of keys) await redis.hset(key, 'msg', value);
  });
  const fetched = await longestCall(redis, async () => {
    for (const key of keys) await redis.hgetBuffer(key, 'msg');
  });
  await redis.unlink(...keys);
  return [
    ['an HSET', stored],
    ['an HGET', fetched],
  ];
}

/** A handful of tasks, from their enqueuing to their end. */
async function lookAt(
  bench: Bench,
  redis: Redis,
  type: string,
  bytes: Uint8Array,
): Promise<{ readonly enqueuing: SlowCall; readonly running: SlowCall }> {
  const queue = freshQueue();
  const count = Math.max(4, Math.round((8 * MB) / bytes.byteLength));
  const enqueuing = await longestCall(redis, () => store(bench, queue, type, bytes, count));
  const server = serve(bench, queue);
  const running = await longestCall(redis, async () => {
    await server.start();
    try {
      await server.reached(count);
    } finally {
      await server.close();
    }
  });
  await bench.redis.clean();
  return { enqueuing, running };
}

function add(calls: Map<string, SlowCall[]>, title: string, call: SlowCall): void {
  calls.set(title, [...(calls.get(title) ?? []), call]);
}

async function store(
  bench: Bench,
  queue: string,
  type: string,
  bytes: Uint8Array,
  count: number,
): Promise<void> {
  const client = new Client({ redis: bench.redis.url });
  const options = { queue, ...(type === 'echo' ? { retention: '1h' } : {}) };
  try {
    for (let i = 0; i < count; i++) await client.enqueue({ type, payload: bytes }, options);
  } finally {
    await client.close();
  }
}

function serve({ redis, threads }: Bench, queue: string): CountingServer {
  return new CountingServer({ redisUrl: redis.url, queue, threads, tasksPerThread: 1 });
}
