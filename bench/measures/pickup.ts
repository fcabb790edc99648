/** Pick-up latency: from the call that enqueues to the handler's first line, when the runtime is idle. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdleRuntime, PicksUp } from '../contenders/contender.ts';
import { GoClient } from '../contenders/go-client.ts';
import { atMost, type Goal } from '../goal.ts';
import { inTurns } from '../rounds.ts';
import type { RatioRow } from '../row.ts';
import { quantile } from '../stats.ts';
import { type FirstLineWatch, watchFirstLines } from '../work/first-line.ts';
import { compareAll } from './compare-all.ts';
import type { Bench, Measure } from './measure.ts';

/** A runtime that takes longer is broken. */
const LIMIT_MS = 10_000;
/** Load the handlers in every thread, and let the code get warm. */
const WARM_UPS = { full: 10, quick: 4 } as const;
/**
 * Between two pick-ups, at random. A runtime that polls begins to count anew at each pick-up, so the longest pause is
 * longer than its interval: else every task would meet the same part of it.
 */
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 320;

/**
 * By percentile, against BullMQ inline. The first is not reached on a machine where code that has not run for a while is
 * slow: a quick run asks for half of it, and so still sees when a pick-up gets slower than it is.
 */
const GOALS: readonly { percent: number; goal: Goal }[] = [
  { percent: 50, goal: atMost(0.8, { text: '< 0.8', quickShare: 0.5 }) },
  { percent: 99, goal: atMost(1, { text: '< 1' }) },
];

/** Against BullMQ, inline and in threads. All runtimes are up all the time; one at a time gets tasks. */
export const pickup: Measure = {
  name: 'pickup',
  title: 'pick-up latency',
  about:
    "From the call that enqueues to the handler's first line, on an idle runtime, with random pauses between two tasks. " +
    "Both instants are read from the machine's monotonic clock. Where Go enqueues, its own client does, in a process of its own.",
  run: async (bench) => {
    const { threadmill, bullmqInline, bullmqThreads } = bench.contenders;
    const go = await goClient(bench);
    const ours = go === undefined ? [threadmill] : [threadmill, go];
    const others = bench.scale.name === 'full' ? [bullmqThreads] : []; // for orientation
    const sides = [threadmill, bullmqInline, ...ours.slice(1), ...others];
    const slices = await slicesOf(bench, sides);
    return ours.flatMap((side) =>
      GOALS.flatMap(({ percent, goal }) =>
        rowsOf(slices, side, percent, {
          [bullmqInline.name]: goal,
          ...(side === threadmill
            ? Object.fromEntries(others.map(({ name }) => [name, undefined]))
            : {}),
        }),
      ),
    );
  },
};

async function goClient(bench: Bench): Promise<GoClient | undefined> {
  const program = await bench.asynq();
  if (program === undefined) return undefined;
  if (await program.sharesClock()) return new GoClient(bench.contenders.threadmill, program);
  bench.note(
    "Pick-up from a Go client was not measured: Go's monotonic clock is another one here.",
  );
  return undefined;
}

type Slices = ReadonlyMap<string, readonly (readonly number[])[]>;

function rowsOf(
  slices: Slices,
  ours: PicksUp,
  percent: number,
  peers: Readonly<Record<string, Goal | undefined>>,
): RatioRow[] {
  const by = ours instanceof GoClient ? ', enqueued by Go' : '';
  const goals = Object.entries(peers).flatMap(([name, goal]) =>
    goal === undefined ? [] : [[name, goal] as const],
  );
  return compareAll<readonly number[]>(slices, {
    measure: 'pickup',
    metric: { title: `pick-up when idle${by}, p${percent}`, unit: 'ms', better: 'lower' },
    ours: ours.name,
    peers: Object.keys(peers),
    goals: Object.fromEntries(goals),
    figure: (latenciesMs) => quantile(latenciesMs, percent / 100),
  });
}

async function slicesOf(bench: Bench, contenders: readonly PicksUp[]): Promise<Slices> {
  const watch = watchFirstLines();
  const open: { name: string; idle: IdleRuntime }[] = [];
  try {
    for (const contender of contenders) {
      const idle = await contender.openIdle(bench.threads);
      open.push({ name: contender.name, idle });
      await latencies(idle, watch, WARM_UPS[bench.scale.name]);
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
    const [beganAtMs, enqueuedAtMs] = await Promise.race([
      Promise.all([begun, idle.enqueueStamp()]),
      idle.broken,
    ]);
    latenciesMs.push(beganAtMs - enqueuedAtMs);
  }
  return latenciesMs;
}
