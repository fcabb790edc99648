/** No-op tasks, Redis to Redis: how many a second, and what CPU time each costs. */
import type { Drains } from '../contenders/contender.ts';
import type { Row } from '../row.ts';
import type { Timing } from '../stopwatch.ts';
import { compareAll } from './compare-all.ts';
import { drainInTurns } from './drain-turns.ts';
import type { Bench, Measure } from './measure.ts';

/** Tasks that share a thread in the second part. */
const SHARED = 8;

/** Against BullMQ at the same concurrency, and against the bare pool. */
export const noop: Measure = {
  name: 'noop',
  title: 'no-op tasks through worker threads, and their CPU time',
  run: async (bench) => {
    const { bullmqInline, bullmqThreads, piscina } = bench.contenders;
    return [
      ...(await measureAt(bench, 1, [bullmqThreads, bullmqInline, piscina])),
      // Not with BullMQ's threads: they run one job each, so that this would measure the start of many threads.
      ...(await measureAt(bench, SHARED, [bullmqInline, piscina])),
    ];
  },
};

async function measureAt(
  bench: Bench,
  tasksPerThread: number,
  peers: readonly Drains[],
): Promise<Row[]> {
  const { threadmill } = bench.contenders;
  const concurrency = bench.threads * tasksPerThread;
  const work = { type: 'noop', data: { turns: 0 }, concurrency, tasksPerThread } as const;
  const timings = await drainInTurns(bench, [threadmill, ...peers], work);
  const sides = { ours: threadmill.name, peers: peers.map(({ name }) => name) };
  return [
    ...compareAll<Timing>(timings, {
      measure: 'noop',
      metric: { title: `no-op tasks, ${concurrency} at once`, unit: '/s', better: 'higher' },
      ...sides,
      figure: ({ perSecond }) => perSecond,
    }),
    ...compareAll<Timing>(timings, {
      measure: 'noop',
      metric: {
        title: `CPU per no-op task, ${concurrency} at once`,
        unit: 'us',
        better: 'lower',
      },
      ...sides,
      figure: ({ cpuMicros }) => cpuMicros,
    }),
  ];
}
