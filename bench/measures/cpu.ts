/** CPU-bound tasks: how much of the bare pool's rate is left when the tasks come from Redis and go back there. */
import type { Row } from '../row.ts';
import type { Timing } from '../stopwatch.ts';
import { compareAll } from './compare-all.ts';
import { drainInTurns } from './drain-turns.ts';
import type { Bench, Measure } from './measure.ts';

/** Lengths of a task on an idle core. */
const TASK_MS = [1, 5];

/** Against the same work on a bare pool, and in BullMQ. */
export const cpu: Measure = {
  name: 'cpu',
  title: 'CPU-bound tasks',
  run: async (bench) => {
    const rows: Row[] = [];
    for (const taskMs of TASK_MS) rows.push(...(await measureLength(bench, taskMs)));
    return rows;
  },
};

async function measureLength(bench: Bench, taskMs: number): Promise<Row[]> {
  const { threadmill, piscina, bullmqThreads, bullmqInline } = bench.contenders;
  const peers = [piscina, bullmqThreads, bullmqInline];
  const timings = await drainInTurns(bench, [threadmill, ...peers], {
    type: 'spin',
    data: { turns: Math.round(bench.turnsPerMs * taskMs) },
    concurrency: bench.threads,
    tasksPerThread: 1,
  });
  return compareAll<Timing>(timings, {
    measure: 'cpu',
    metric: { title: `tasks of ${taskMs} ms`, unit: '/s', better: 'higher' },
    ours: threadmill.name,
    peers: peers.map(({ name }) => name),
    figure: ({ perSecond }) => perSecond,
  });
}
