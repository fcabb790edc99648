/**
 * CPU time of the runtime per task, without that of the handlers: the process with all its threads
 * (`process.cpuUsage`), so main thread, thread border, garbage collection and connections; Redis is not in it. It is
 * measured where handlers use next to none, so nothing is subtracted, and on any Node: `worker.cpuUsage` would only say
 * which part of it the threads have, and Node 20 has no such thing.
 */
import { countMessages } from '../count-messages.ts';
import { atMost, type Goal } from '../goal.ts';
import { figureRow, type Row } from '../row.ts';
import { backlogSize, sized, type Work } from './drain-turns.ts';
import type { Bench, Measure } from './measure.ts';

/** Tasks whose messages are counted. */
const COUNTED = 2_000;

/** Lengths of a lap, and how many there are. */
const LAPS = { full: { lapMs: 500, laps: 15 }, quick: { lapMs: 200, laps: 5 } } as const;

/** One way to hand tasks to threads: so many at most in a message. */
interface Way {
  readonly title: string;
  readonly goal: Goal;
  readonly tasksPerMessage?: number;
}

const WAYS: readonly Way[] = [
  {
    title: 'CPU of the runtime per task, one task per message',
    goal: atMost(60),
    tasksPerMessage: 1,
  },
  { title: 'CPU of the runtime per task, in batches', goal: atMost(25) },
];

/** Against nobody: microseconds of this machine. */
export const cost: Measure = {
  name: 'cost',
  title: 'CPU of the runtime per task',
  about:
    'CPU time of the whole process per task, its threads included, with tasks that do nothing: each in a message of its ' +
    'own to its thread, and as many in a message as the runtime sees fit.',
  run: async (bench) => {
    const rows: Row[] = [];
    for (const way of WAYS) rows.push(await measureWay(bench, way));
    return rows;
  },
};

/** One long drain in laps, so that threads and code are as warm as those of a server that is up for days. */
async function measureWay(bench: Bench, { title, goal, ...way }: Way): Promise<Row> {
  const { threadmill } = bench.contenders;
  const asked: Work = {
    type: 'noop',
    data: { turns: 0 },
    concurrency: bench.threads,
    tasksPerThread: 1,
    ...way,
  };
  const messages = await countMessages(() => threadmill.drain({ ...asked, ...sized(COUNTED) }));
  const perMessage = (COUNTED / messages).toPrecision(2);
  bench.note(`${title}: a message to a thread carried ${perMessage} tasks on average.`);
  const { lapMs, laps } = LAPS[bench.scale.name];
  const count = await backlogSize(bench, threadmill, asked, lapMs * laps);
  const timings = await threadmill.drainLaps({ ...asked, ...sized(count) }, laps);
  await bench.redis.clean();
  const micros = timings.map(({ cpuMicros }) => cpuMicros);
  return figureRow('cost', { title, unit: 'us', better: 'lower' }, micros, goal);
}
