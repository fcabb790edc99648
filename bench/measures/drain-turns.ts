/** Backlogs sized so that every contender works for about the length of a slice, whatever its speed. */
import type { Backlog, Drains } from '../contenders/contender.ts';
import { inTurns, type Turn } from '../rounds.ts';
import type { Timing } from '../stopwatch.ts';
import type { Bench } from './measure.ts';

/** Everything but the number of tasks. */
export type Work = Omit<Backlog, 'count' | 'warmUp'>;

const FEWEST = 50;
const MOST = 300_000;

/** Two runs to find the size; they warm up the code as well. */
const TRIALS = 2;
const FIRST_TRIAL = 200;
/** Of the trial before at most: so few tasks tell the rate of one that settles hundreds at a time badly. */
const GROWTH = 20;

/** Drains such backlogs in turns; answers each contender's timings by name. */
export async function drainInTurns(
  bench: Bench,
  drains: readonly Drains[],
  work: Work,
): Promise<ReadonlyMap<string, readonly Timing[]>> {
  const turns: Turn<Timing>[] = [];
  for (const contender of drains) {
    const count = await backlogSize(bench, contender, work, bench.scale.sliceMs);
    turns.push({
      name: contender.name,
      slice: () => drainClean(bench, contender, { ...work, ...sized(count) }),
    });
  }
  return inTurns(turns, bench.scale.rounds);
}

/** How many tasks the contender works off in so many milliseconds, by trial. */
export async function backlogSize(
  bench: Bench,
  contender: Drains,
  work: Work,
  lengthMs: number,
): Promise<number> {
  let count = FIRST_TRIAL;
  for (let trial = 0; trial < TRIALS; trial++) {
    const { perSecond } = await drainClean(bench, contender, { ...work, ...sized(count) });
    const fitting = Math.round((perSecond * lengthMs) / 1_000);
    count = Math.min(Math.max(fitting, FEWEST), count * GROWTH, MOST);
  }
  return count;
}

/** A quarter of the tasks warms the new threads up: what is measured is a runtime that has been up for a while. */
export function sized(count: number): Pick<Backlog, 'count' | 'warmUp'> {
  return { count, warmUp: Math.ceil(count / 4) };
}

/** Every slice begins with an empty database. */
async function drainClean(bench: Bench, contender: Drains, backlog: Backlog): Promise<Timing> {
  const timing = await contender.drain(backlog);
  await bench.redis.clean();
  return timing;
}
