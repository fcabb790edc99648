/** What the doctor says: one finding per check, or per queue where something is wrong. Data only. */

/** What is looked at. A stable name, for programs. */
export type CheckName =
  | 'redis-version'
  | 'redis-role'
  | 'eviction-policy'
  | 'memory'
  | 'persistence'
  | 'clock-skew'
  | 'latency'
  | 'dead-servers'
  | 'hidden-servers'
  | 'server-clocks'
  | 'unserved-queues'
  | 'unlisted-queues'
  | 'ids-without-hash'
  | 'empty-tasks'
  | 'tasks-in-no-list'
  | 'wrong-states'
  | 'wrong-scores'
  | 'unleased-tasks'
  | 'stray-leases'
  | 'stuck-tasks'
  | 'overdue-tasks'
  | 'empty-groups'
  | 'unlisted-groups'
  | 'leaked-locks';

/**
 * `ok`; `mended`: was a problem, and is none any more; `warning`: may be meant so; `problem`; `unknown`: it could not be
 * looked at, as Redis refused.
 */
export type FindingStatus = 'ok' | 'mended' | 'warning' | 'problem' | 'unknown';

/** The answer of one check. */
export interface Finding {
  readonly check: CheckName;
  readonly status: FindingStatus;
  /** One sentence. */
  readonly text: string;
  /** What to do, often a command. Absent where all is well. */
  readonly advice?: string;
  readonly queue?: string;
  /** `host:port`; only where the fleet's Redis is a Cluster of several servers. */
  readonly node?: string;
  /** How many are affected, and how many of them were mended. */
  readonly count?: number;
  readonly mended?: number;
  /** IDs, keys or names: the first ten. */
  readonly samples?: readonly string[];
  /** Whether `fix` mends it. */
  readonly isFixable: boolean;
}

/** What was found of one kind. */
export interface Tally {
  readonly count: number;
  readonly mended: number;
  readonly samples: readonly string[];
}

/** Samples that are kept of one kind. */
export const MAX_SAMPLES = 10;

/** A tally of nothing. */
export const NO_TALLY: Tally = { count: 0, mended: 0, samples: [] };

/** The tally with more. */
export function addTo(tally: Tally, names: readonly string[], mended: number): Tally {
  return {
    count: tally.count + names.length,
    mended: tally.mended + mended,
    samples: [...tally.samples, ...names].slice(0, MAX_SAMPLES),
  };
}

/** A check in which all is well. */
export function well(check: CheckName, text: string, more: Partial<Finding> = {}): Finding {
  return { check, status: 'ok', text, isFixable: false, ...more };
}

/** A check that Redis refused. */
export function unknown(check: CheckName, reason: string, more: Partial<Finding> = {}): Finding {
  const text = `could not look: ${reason}`;
  const advice = 'give the user of this connection the right to it, or run it as another user';
  return { check, status: 'unknown', text, advice, isFixable: false, ...more };
}
