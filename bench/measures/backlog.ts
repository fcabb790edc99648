/** What a task costs when a million others wait beside it, and whether anything then holds Redis for long. */
import type { Redis } from 'ioredis';
import { Client, Inspector } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { CountingServer } from '../contenders/counting-server.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import { atMost } from '../goal.ts';
import { longestCall, openProbe, redisCpuMicros } from '../redis-probe.ts';
import { inTurns } from '../rounds.ts';
import { figureRow, type Row } from '../row.ts';
import { fillQueue } from '../work/fill-queue.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

/** So many are pending, and so many scheduled; each slice is so many tasks. */
const SIZES = {
  full: { waiting: 1_000_000, archived: 100_000, rounds: 15, tasks: 5_000 },
  quick: { waiting: 20_000, archived: 5_000, rounds: 5, tasks: 1_000 },
} as const;

/** Tasks before a slice begins: threads that were just started compile their code. */
const WARM_UP = 1_000;

/** What is left pending at the end of a slice on the small side. */
const SMALL = 1_000;

const TASKS_PER_THREAD = 8;
const PAYLOAD = Buffer.from('{"turns":0}');

/** Goals: the cost within 10 %, and no call that holds Redis longer than this. */
const MOST_GROWTH = 1.1;
const LONGEST_MS = 8;

/** CPU time, in microseconds a task. */
interface Cost {
  readonly redisMicros: number;
  readonly ourMicros: number;
}

/** A large queue and small ones, served in turns by runtimes of one process. */
export const backlog: Measure = {
  name: 'backlog',
  title: 'cost per task with a large backlog',
  run: async (bench) => {
    const redis = openProbe(bench.redis.url);
    const large = freshQueue();
    try {
      await fillLarge(bench, redis, large);
      const rows = await compareCosts(bench, redis, large);
      return [...rows, await longestRow(bench, redis, large)];
    } finally {
      redis.disconnect();
      await bench.redis.clean();
    }
  },
};

async function fillLarge({ scale }: Bench, redis: Redis, queue: string): Promise<void> {
  const { waiting, archived, rounds, tasks } = SIZES[scale.name];
  const fill = { queue, type: 'noop', payload: PAYLOAD };
  await fillQueue(redis, {
    ...fill,
    state: 'pending',
    count: waiting + rounds * (WARM_UP + tasks),
  });
  await fillQueue(redis, { ...fill, state: 'scheduled', count: waiting });
  await fillQueue(redis, { ...fill, state: 'archived', count: archived });
}

async function compareCosts(bench: Bench, redis: Redis, large: string): Promise<Row[]> {
  const { rounds, tasks, waiting } = SIZES[bench.scale.name];
  const [ours, peer] = [`${thousands(waiting)} pending`, `${thousands(SMALL)} pending`];
  const slices = await inTurns<Cost>(
    [
      { name: ours, slice: () => cost(bench, redis, large) },
      {
        name: peer,
        slice: async () => {
          const queue = freshQueue();
          const fill = { queue, type: 'noop', payload: PAYLOAD, count: WARM_UP + tasks + SMALL };
          await fillQueue(redis, { ...fill, state: 'pending' });
          return cost(bench, redis, queue);
        },
      },
    ],
    rounds,
  );
  const rows = (whose: string, figure: (slice: Cost) => number): Row[] =>
    compareAll(slices, {
      measure: 'backlog',
      metric: {
        title: `CPU of ${whose} per task, ${ours}, as many scheduled`,
        unit: 'us',
        better: 'lower',
      },
      ours,
      peers: [peer],
      goals: { [peer]: atMost(MOST_GROWTH) },
      figure,
    });
  return [
    ...rows('Redis', ({ redisMicros }) => redisMicros),
    ...rows('the runtime', ({ ourMicros }) => ourMicros),
  ];
}

/** Of so many tasks, without the start and the end of the runtime. */
async function cost(bench: Bench, redis: Redis, queue: string): Promise<Cost> {
  const server = serve(bench, queue);
  await server.start();
  try {
    await server.reached(WARM_UP);
    const before = await readCpu(redis, server);
    await server.reached(before.settled + SIZES[bench.scale.name].tasks);
    const after = await readCpu(redis, server);
    const settled = after.settled - before.settled;
    return {
      redisMicros: (after.redisMicros - before.redisMicros) / settled,
      ourMicros: (after.ourMicros - before.ourMicros) / settled,
    };
  } finally {
    await server.close();
  }
}

/** All three at the instant of Redis's answer: tasks go on meanwhile. */
async function readCpu(
  redis: Redis,
  server: CountingServer,
): Promise<Cost & { readonly settled: number }> {
  const redisMicros = await redisCpuMicros(redis);
  const { user, system } = process.cpuUsage();
  return { redisMicros, ourMicros: user + system, settled: server.settled };
}

/** All that a server and its watchers do to the large queue, a task that goes to its overfull archive included. */
async function longestRow(bench: Bench, redis: Redis, queue: string): Promise<Row> {
  const { tasks, archived } = SIZES[bench.scale.name];
  const client = new Client({ redis: bench.redis.url });
  const inspector = new Inspector({ redis: bench.redis.url });
  const server = serve(bench, queue);
  try {
    const { ms, command } = await longestCall(redis, async () => {
      await client.enqueue({ type: 'fail' }, { queue });
      const { pending } = queueKeys(queue);
      await redis.lmove(pending, pending, 'LEFT', 'RIGHT'); // it is the next one
      await client.enqueue({ type: 'noop' }, { queue, processIn: '1h' });
      await server.start();
      await inspector.queueInfo(queue); // what a scrape asks for
      await server.reached(tasks);
      await server.close();
    });
    const title = `longest call in Redis then, ${thousands(archived)} archived`;
    bench.note(`backlog, ${title}: ${command}.`);
    const metric = { title, unit: 'ms', better: 'lower' } as const;
    return figureRow('backlog', metric, [ms], atMost(LONGEST_MS));
  } finally {
    await server.close();
    await Promise.all([client.close(), inspector.close()]);
  }
}

function serve({ redis, threads }: Bench, queue: string): CountingServer {
  return new CountingServer({
    redisUrl: redis.url,
    queue,
    threads,
    tasksPerThread: TASKS_PER_THREAD,
  });
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}
