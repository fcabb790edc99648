/** The known set of tasks of a run: a pure function of the seed and the length. */
import type { EnqueueOptions } from '../../src/index.ts';
import type { Deed } from './deed.ts';
import { pick } from './plan.ts';
import { QUEUES } from './settings.ts';

/** One task, and when it is enqueued. */
export interface KnownTask {
  readonly key: number;
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly deed: Deed;
  /** Milliseconds after the start of the run. */
  readonly at: number;
  readonly options: EnqueueOptions;
  /** How it is to end: kept with its result, gone, or archived as its retries do not suffice. */
  readonly end: 'completed' | 'gone' | 'archived';
  /** Whether it is enqueued through the proxy of the program's client. */
  readonly isProxied: boolean;
}

interface Sort {
  readonly type: string;
  readonly ms: readonly [number, number];
  /** Attempts that misbehave. */
  readonly failures: readonly [number, number];
  readonly timeout?: string;
}

const NEVER = [0, 0] as const;
const ONCE = [1, 1] as const;

const SORTS: readonly Sort[] = [
  { type: 'quick', ms: [1, 40], failures: NEVER },
  { type: 'sleep', ms: [500, 6_000], failures: NEVER },
  { type: 'spin', ms: [2_000, 8_000], failures: NEVER },
  // Longer than a lease and its recovery: only the fence keeps these from running twice at once.
  { type: 'long', ms: [16_000, 20_000], failures: NEVER },
  { type: 'throw', ms: [1, 10], failures: [1, 3] },
  { type: 'native', ms: [200, 700], failures: NEVER },
  { type: 'crash', ms: [50, 400], failures: ONCE },
  { type: 'hang', ms: [1, 1], failures: ONCE, timeout: '1s' },
  { type: 'overrun', ms: [1, 1], failures: ONCE, timeout: '1s' },
  { type: 'oom', ms: [1, 1], failures: ONCE },
];

/** How many tasks there are, and of which types: parts of the sum. */
export interface Mix {
  readonly perSecond: number;
  readonly shares: Readonly<Record<string, number>>;
}

/** Some of everything, and as much as a fleet can do of which one server is always away. */
export const USUAL: Mix = {
  perSecond: 2.5,
  shares: {
    quick: 33,
    sleep: 21,
    spin: 12,
    long: 3,
    throw: 9,
    native: 8,
    crash: 4,
    hang: 4,
    overrun: 3,
    oom: 3,
  },
};

/** Kinds of handlers that misbehave, each of which must have had its effect. `native` needs no misbehaving for it. */
export const BAD_TYPES = ['throw', 'crash', 'hang', 'overrun', 'oom', 'native'] as const;

const MAX_RETRY = 50;
/** Tasks that throw and whose retries do not suffice: how many of them, and how often they may be retried. */
const DOOMED_SHARE = 0.2;
const DOOMED_RETRY = 1;
const SCHEDULED_SHARE = 0.25;
const RETAINED_SHARE = 0.5;
const PROXIED_SHARE = 0.4;
const RETENTION = '6h';

/** All tasks of a run, by the time of their enqueueing. */
export function makeTaskSet({
  random,
  lengthMs,
  prefix,
  mix = USUAL,
}: {
  readonly random: () => number;
  readonly lengthMs: number;
  /** Beginning of their IDs. */
  readonly prefix: string;
  readonly mix?: Mix;
}): KnownTask[] {
  const count = Math.round((lengthMs / 1_000) * mix.perSecond);
  const bag = SORTS.flatMap((sort) => new Array<Sort>(mix.shares[sort.type] ?? 0).fill(sort));
  const sorts = SORTS.filter((sort) => bag.includes(sort));
  return Array.from({ length: count }, (_, key) => {
    // The first of them are one of each sort, so that a short run has them all.
    const sort = sorts[key] ?? pick(bag, random);
    const at = key < sorts.length ? 0 : Math.round(random() * lengthMs * 0.9);
    return makeTask({ key, id: `${prefix}${key}`, sort, at, random });
  }).sort((a, b) => a.at - b.at);
}

function makeTask(given: {
  readonly key: number;
  readonly id: string;
  readonly sort: Sort;
  readonly at: number;
  readonly random: () => number;
}): KnownTask {
  const { key, id, sort, at, random } = given;
  const isDoomed = sort.type === 'throw' && random() < DOOMED_SHARE;
  const isProxied = random() < PROXIED_SHARE;
  const isRetained = random() < RETAINED_SHARE;
  const queue = pick(Object.keys(QUEUES), random);
  const deed: Deed = {
    key,
    ms: between(sort.ms, random),
    failures: isDoomed ? DOOMED_RETRY + 1 : between(sort.failures, random),
    way: Math.floor(random() * 6),
  };
  return {
    key,
    id,
    queue,
    type: sort.type,
    deed,
    at,
    options: {
      queue,
      taskId: id,
      maxRetry: isDoomed ? DOOMED_RETRY : MAX_RETRY,
      ...(sort.timeout === undefined ? {} : { timeout: sort.timeout }),
      ...(isRetained ? { retention: RETENTION } : {}),
      ...(random() < SCHEDULED_SHARE ? { processIn: between([1_000, 6_000], random) } : {}),
    },
    end: isDoomed ? 'archived' : isRetained ? 'completed' : 'gone',
    isProxied,
  };
}

function between([least, most]: readonly [number, number], random: () => number): number {
  return Math.round(least + (most - least) * random());
}
