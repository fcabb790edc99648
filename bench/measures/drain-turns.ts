/** Backlogs sized so that every contender works for about the length of a slice, whatever its speed. */
import type { Backlog, Drains } from '../contenders/contender.ts';
import { inTurns, type Turn } from '../rounds.ts';
import type { Timing } from '../stopwatch.ts';
import type { Bench } from './measure.ts';

/** Everything but the number of tasks. */
export type Work = Omit<Backlog, 'count'>;

const FEWEST = 50;
const MOST = 60_000;

/** Two runs to find the size; they warm up the code as well. */
const TRIALS = 2;
const FIRST_TRIAL = 200;

/** Drains such backlogs in turns; answers each contender's timings by name. */
export async function drainInTurns(
  bench: Bench,
  drains: readonly Drains[],
  work: Work,
): Promise<ReadonlyMap<string, readonly Timing[]>> {
  const turns: Turn<Timing>[] = [];
  for (const contender of drains) {
    const count = await backlogSize(bench, contender, work);
    turns.push({
      name: contender.name,
      slice: () => drainClean(bench, contender, { ...work, count }),
    });
  }
  return inTurns(turns, bench.scale.rounds);
}

async function backlogSize(bench: Bench, contender: Drains, work: Work): Promise<number> {
  let count = FIRST_TRIAL;
  for (let trial = 0; trial < TRIALS; trial++) {
    const { perSecond } = await drainClean(bench, contender, { ...work, count });
    const fitting = Math.round((perSecond * bench.scale.sliceMs) / 1_000);
    count = Math.min(Math.max(fitting, FEWEST), MOST);
  }
  return count;
}

/** Every slice begins with an empty database. */
async function drainClean(bench: Bench, contender: Drains, backlog: Backlog): Promise<Timing> {
  const timing = await contender.drain(backlog);
  await bench.redis.clean();
  return timing;
}
