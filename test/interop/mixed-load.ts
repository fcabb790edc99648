/** The tasks of a mixed fleet, who enqueues each, and when which server is killed: all of it from a seed. */
import { seededRandom } from '../helpers/random.ts';
import type { Side } from './act.ts';

/** One call of a client. */
export interface LoadTask {
  readonly id: string;
  readonly by: Side;
  readonly queue: string;
  readonly payload: string;
  readonly failures: number;
  /** Its payload is that of other tasks too, of which one at a time may wait or run. */
  readonly isUnique: boolean;
}

/** One kill -9. */
export interface Kill {
  /** Milliseconds after the start of the load. */
  readonly at: number;
  readonly side: Side;
  /** Which of the servers of that side. */
  readonly index: number;
}

export const RETRY_DELAY_MS = 100;
/** Queues with weights. */
export const WEIGHTS: Readonly<Record<string, number>> = { critical: 6, default: 3, low: 1 };
/** Milliseconds that the clients take to enqueue all tasks. */
export const LOAD_MS = 25_000;
/** Servers of each side. */
export const SERVERS = 3;
/** How long the lock of a unique task is kept at most, in milliseconds: longer than any run takes. */
export const UNIQUE_MS = 3_600_000;

const FAILING_SHARE = 0.1;
const UNIQUE_SHARE = 0.1;
/** Unique tasks that share a payload, so that they get in each other's way. */
const UNIQUE_RIVALS = 4;
/** How long tasks take: most of them little, a few long enough to be hit by a kill. More than the servers get done. */
const LENGTHS: readonly { share: number; ms: readonly [number, number] }[] = [
  { share: 0.8, ms: [1, 20] },
  { share: 0.17, ms: [20, 80] },
  { share: 0.03, ms: [300, 1_500] },
];

/** The tasks in the order of their enqueueing. */
export function makeLoad(seed: number, count: number): LoadTask[] {
  const random = seededRandom(seed);
  const names = Object.entries(WEIGHTS).flatMap(([name, weight]) =>
    new Array<string>(weight).fill(name),
  );
  const uniqueSubjects = Math.round((count * UNIQUE_SHARE) / UNIQUE_RIVALS);
  return Array.from({ length: count }, (_, key) => {
    const isUnique = random() < UNIQUE_SHARE;
    const failures = random() < FAILING_SHARE ? 1 + Math.floor(random() * 2) : 0;
    const queue = names[Math.floor(random() * names.length)] ?? 'default';
    const job = { key, ms: lengthOf(random), failures };
    return isUnique
      ? uniqueTask(key, random, uniqueSubjects)
      : {
          id: `t${key}`,
          by: sideOf(random),
          queue,
          payload: JSON.stringify(job),
          failures,
          isUnique,
        };
  });
}

/** Lock and uniqueness are by queue, type and bytes: rivals agree in all of them. */
function uniqueTask(key: number, random: () => number, subjects: number): LoadTask {
  const subject = Math.floor(random() * subjects);
  const names = Object.keys(WEIGHTS);
  const job = { key: -1 - subject, ms: 5 + (subject % 60), failures: subject % 7 === 0 ? 1 : 0 };
  return {
    id: `u${key}`,
    by: sideOf(random),
    queue: names[subject % names.length] ?? 'default',
    payload: JSON.stringify(job),
    failures: job.failures,
    isUnique: true,
  };
}

function sideOf(random: () => number): Side {
  return random() < 0.5 ? 'Go' : 'Threadmill';
}

function lengthOf(random: () => number): number {
  let rest = random();
  for (const { share, ms } of LENGTHS) {
    if (rest < share) return Math.round(ms[0] + (ms[1] - ms[0]) * random());
    rest -= share;
  }
  return 0;
}

/** Each server once, in any order, spread over the load. */
export function planKills(seed: number): Kill[] {
  const random = seededRandom(seed + 1);
  const sides: readonly Side[] = ['Go', 'Threadmill'];
  const targets = sides.flatMap((side) =>
    Array.from({ length: SERVERS }, (_, index) => ({ side, index, order: random() })),
  );
  return targets
    .sort((a, b) => a.order - b.order)
    .map(({ side, index }, turn) => {
      const at = Math.round((LOAD_MS * (turn + 0.5 + random() * 0.5)) / (targets.length + 1));
      return { at, side, index };
    });
}
