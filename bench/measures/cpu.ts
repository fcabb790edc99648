/** CPU-bound tasks: how much of the bare pool's rate is left when the tasks come from Redis and go back there. */
import { atLeast } from '../goal.ts';
import type { Row } from '../row.ts';
import type { Timing } from '../stopwatch.ts';
import { compareAll } from './compare-all.ts';
import { drainInTurns } from './drain-turns.ts';
import type { Bench, Measure } from './measure.ts';

/** Lengths of a task on an idle core, and how much of the bare pool's rate has to be left. */
const TASKS = [
  { ms: 1, least: 0.93 },
  { ms: 5, least: 0.98 },
] as const;

/** Against the same work on a bare pool, and in BullMQ's worker threads. */
export const cpu: Measure = {
  name: 'cpu',
  title: 'CPU-bound tasks',
  about:
    'An integer loop whose number of turns is calibrated once, so that everybody does the same work, whatever the clock ' +
    'says. The bare pool has no Redis at all: the ratio is what is left of the machine.',
  run: async (bench) => {
    const rows: Row[] = [];
    for (const task of TASKS) rows.push(...(await measureLength(bench, task)));
    return rows;
  },
};

async function measureLength(bench: Bench, { ms, least }: (typeof TASKS)[number]): Promise<Row[]> {
  const { threadmill, piscina, bullmqThreads } = bench.contenders;
  const others = bench.scale.name === 'full' ? [bullmqThreads] : []; // for orientation
  const timings = await drainInTurns(bench, [piscina, threadmill, ...others], {
    type: 'spin',
    data: { turns: Math.round(bench.turnsPerMs * ms) },
    concurrency: bench.threads,
    tasksPerThread: 1,
  });
  return compareAll<Timing>(timings, {
    measure: 'cpu',
    metric: { title: `tasks of ${ms} ms`, unit: '/s', better: 'higher' },
    ours: threadmill.name,
    peers: [piscina, ...others].map(({ name }) => name),
    goals: { [piscina.name]: atLeast(least) },
    figure: ({ perSecond }) => perSecond,
  });
}
