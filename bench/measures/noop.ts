/** No-op tasks, Redis to Redis: how many a second, and what CPU time each costs. */
import type { Drains } from '../contenders/contender.ts';
import { Asynq } from '../contenders/asynq.ts';
import { atLeast } from '../goal.ts';
import type { RatioRow } from '../row.ts';
import type { Timing } from '../stopwatch.ts';
import { compareAll } from './compare-all.ts';
import { drainInTurns } from './drain-turns.ts';
import type { Bench, Measure } from './measure.ts';

/** Goroutines of asynq: its default is the number of cores, with which it would be slowest. */
const ASYNQ_CONCURRENCY = [10, 100];

/**
 * Against BullMQ at the same concurrency, the bare pool, asynq in Go, and what the protocol allows. Ours stands in the
 * middle of each round, so that no peer's slice is far from it.
 */
export const noop: Measure = {
  name: 'noop',
  title: 'no-op tasks through worker threads, and their CPU time',
  about:
    'A backlog is stored, then the runtime is started and timed from the end of a warm-up (a quarter of the tasks) to the last settled one. Threadmill runs ' +
    'with its defaults: one thread per core, one task at a time in each. BullMQ has the same concurrency; inline it isolates ' +
    'nothing. The bare pool gets one task per `run` and has no Redis. asynq runs its handlers in goroutines. The scripts ' +
    'without handlers are what the protocol allows on one connection, for orientation.',
  run: async (bench) => {
    const { threadmill, bullmqInline, bullmqThreads, piscina, rawProtocol } = bench.contenders;
    const program = await bench.asynq();
    const goroutines = program === undefined ? [] : ASYNQ_CONCURRENCY;
    const asynqs = goroutines.flatMap((concurrency) =>
      program === undefined ? [] : [new Asynq(program, bench.redis.url, concurrency)],
    );
    const inNode = await drainNoops(bench, [bullmqThreads, bullmqInline, threadmill, piscina]);
    const others = await drainNoops(bench, [...asynqs, threadmill, rawProtocol]);
    return [
      ...rates(bench, inNode, {
        [bullmqThreads.name]: 12,
        [bullmqInline.name]: 3.3,
        [piscina.name]: 1,
      }),
      ...rates(bench, others, {
        ...Object.fromEntries(asynqs.map(({ name }) => [name, 1])),
        [rawProtocol.name]: undefined,
      }),
      ...cpuTimes(bench, inNode, [bullmqThreads, bullmqInline, piscina]),
      ...cpuTimes(bench, others, asynqs),
    ];
  },
};

type Slices = ReadonlyMap<string, readonly Timing[]>;

function drainNoops(bench: Bench, drains: readonly Drains[]): Promise<Slices> {
  return drainInTurns(bench, drains, {
    type: 'noop',
    data: { turns: 0 },
    concurrency: bench.threads,
    tasksPerThread: 1,
  });
}

/** One row per peer, with the least ratio that is asked for. */
function rates(
  bench: Bench,
  slices: Slices,
  goals: Readonly<Record<string, number | undefined>>,
): RatioRow[] {
  const bounds = Object.entries(goals).flatMap(([name, bound]) =>
    bound === undefined ? [] : [[name, atLeast(bound)] as const],
  );
  return compareAll<Timing>(slices, {
    measure: 'noop',
    metric: { title: `no-op tasks, ${bench.threads} threads`, unit: '/s', better: 'higher' },
    ours: bench.contenders.threadmill.name,
    peers: Object.keys(goals),
    goals: Object.fromEntries(bounds),
    figure: ({ perSecond }) => perSecond,
  });
}

function cpuTimes(bench: Bench, slices: Slices, peers: readonly Drains[]): RatioRow[] {
  return compareAll<Timing>(slices, {
    measure: 'noop',
    metric: {
      title: `CPU per no-op task, ${bench.threads} threads`,
      unit: 'us',
      better: 'lower',
    },
    ours: bench.contenders.threadmill.name,
    peers: peers.map(({ name }) => name),
    figure: ({ cpuMicros }) => cpuMicros,
  });
}
