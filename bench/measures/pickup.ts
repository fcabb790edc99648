/** Pick-up latency: from the call that enqueues to the handler's first line, when the runtime is idle. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdleRuntime, PicksUp } from '../contenders/contender.ts';
import { inTurns } from '../rounds.ts';
import { quantile } from '../stats.ts';
import { type FirstLineWatch, nowMs, watchFirstLines } from '../work/first-line.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

/** A runtime that takes longer is broken. */
const LIMIT_MS = 10_000;
/** Loads the handlers in every thread, and lets the code get warm. */
const WARM_UPS = 10;
/**
 * Between two pick-ups, at random. A runtime that polls begins to count anew at each pick-up, so the longest pause is
 * longer than its interval: else every task would meet the same part of it.
 */
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 320;

/** Against BullMQ, inline and in threads. All runtimes are up all the time; one at a time gets tasks. */
export const pickup: Measure = {
  name: 'pickup',
  title: 'pick-up latency',
  run: async (bench) => {
    const { threadmill, bullmqInline, bullmqThreads } = bench.contenders;
    const peers = [bullmqInline, bullmqThreads];
    const slices = await slicesOf(bench, [threadmill, ...peers]);
    return [50, 99].flatMap((percent) =>
      compareAll<readonly number[]>(slices, {
        measure: 'pickup',
        metric: { title: `pick-up when idle, p${percent}`, unit: 'ms', better: 'lower' },
        ours: threadmill.name,
        peers: peers.map(({ name }) => name),
        figure: (latenciesMs) => quantile(latenciesMs, percent / 100),
      }),
    );
  },
};

async function slicesOf(
  bench: Bench,
  contenders: readonly PicksUp[],
): Promise<ReadonlyMap<string, readonly number[][]>> {
  const watch = watchFirstLines();
  const open: { name: string; idle: IdleRuntime }[] = [];
  try {
    for (const contender of contenders) {
      const idle = await contender.openIdle(bench.threads);
      open.push({ name: contender.name, idle });
      await latencies(idle, watch, WARM_UPS);
    }
    const turns = open.map(({ name, idle }) => ({
      name,
      slice: () => latencies(idle, watch, bench.scale.pickupsPerSlice),
    }));
    return await inTurns(turns, bench.scale.rounds);
  } finally {
    watch.close();
    await Promise.all(open.map(({ idle }) => idle.close()));
    await bench.redis.clean();
  }
}

async function latencies(
  idle: IdleRuntime,
  watch: FirstLineWatch,
  count: number,
): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let sample = 0; sample < count; sample++) {
    await sleep(SHORTEST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS));
    const begun = watch.next(LIMIT_MS);
    const enqueuedAtMs = nowMs();
    const [beganAtMs] = await Promise.race([
      Promise.all([begun, idle.enqueueStamp()]),
      idle.broken,
    ]);
    latenciesMs.push(beganAtMs - enqueuedAtMs);
  }
  return latenciesMs;
}
