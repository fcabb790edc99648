/** What the aggregator asks of Redis: groups, and the sets in which their tasks are staged for one aggregation. */
import type { GroupRules } from '../../policy/group-rules.ts';
import type { StampedMessage } from '../../wire/task-message.ts';
import type { EnqueueEntry, EnqueueReply } from './enqueuing.ts';

/** One aggregation set. `id` is a UUID: a colon in it would be taken for a part of the group's name (trap 34). */
export interface StagedSet {
  readonly queue: string;
  readonly group: string;
  readonly id: string;
}

/** What `stageGroup` takes. */
export interface StageCall {
  readonly set: StagedSet;
  readonly rules: GroupRules;
  /** Most tasks of the set. */
  readonly most: number;
  /** Until the set goes stale, in whole seconds. */
  readonly staleSeconds: number;
}

/** A staged task. */
export interface StagedTask {
  readonly id: string;
  /** Owns its memory; empty when the hash holds none. */
  readonly message: Uint8Array;
}

/** A page of a set. */
export interface StagedPage {
  readonly tasks: readonly StagedTask[];
  /** IDs that had no hash: taken out. */
  readonly dropped: readonly string[];
  /** How many tasks the set holds. */
  readonly size: number;
}

/** A task that is put into the archive instead of its group. */
export interface SetAside {
  readonly id: string;
  readonly message: StampedMessage;
}

/** What `closeGroup` takes. */
export interface CloseCall {
  readonly set: StagedSet;
  /** How many tasks the set must hold. */
  readonly size: number;
  /** What came of them; absent = nothing. */
  readonly entry?: EnqueueEntry;
}

/**
 * `gone`: the set was reclaimed; `conflict` and `duplicate`: the new task was refused, as at an enqueue. Nothing was
 * written then.
 */
export type CloseReply =
  | { readonly status: 'closed' }
  | { readonly status: 'gone' }
  | Extract<EnqueueReply, { status: 'conflict' | 'duplicate' }>;

/** A task that was aggregated, with the key of its lock. */
export interface LockedTask {
  readonly id: string;
  readonly uniqueKey: string;
}

/** Part of the broker. Every call is bounded; where it says so it is to be repeated until there is nothing left. */
export interface Grouping {
  /**
   * Some of the groups that are to be aggregated now, and where to go on: `undefined` when that was all. Begin without
   * `from`.
   */
  dueGroups(
    queue: string,
    rules: GroupRules,
    from?: string,
  ): Promise<{ readonly groups: readonly string[]; readonly next: string | undefined }>;
  /**
   * Moves the oldest tasks of a group, if it is still to be aggregated, into a new set: call again while some are left
   * and fewer than `most` are staged.
   */
  stageGroup(call: StageCall): Promise<{ readonly staged: number; readonly left: number }>;
  /** Tasks of a set from this rank on, in the order in which they joined the group. */
  readGroup(set: StagedSet, from: number): Promise<StagedPage>;
  /** Archives staged tasks that cannot be read; answers how many. */
  setAside(set: StagedSet, tasks: readonly SetAside[]): Promise<number>;
  /** Puts off the instant at which sets of one queue go stale; answers the IDs of those that are gone. */
  extendGroups(queue: string, sets: readonly StagedSet[], staleSeconds: number): Promise<string[]>;
  /** Stores the new task and takes the set away, in one step. Its tasks are left for `sweepGroup`. May be repeated. */
  closeGroup(call: CloseCall): Promise<CloseReply>;
  /**
   * Deletes tasks of a closed set and releases their locks; answers how many are left: call again until none. `locks`:
   * those of the tasks that have one, in the order of the set.
   */
  sweepGroup(set: StagedSet, locks: readonly LockedTask[]): Promise<number>;
  /** Deletes tasks of sets that were closed a minute ago and not swept; call again until it answers `false`. */
  sweepLeftovers(queue: string): Promise<boolean>;
  /** Gives tasks back to their group, all but the first `keep`; call again until none are `left`. */
  unstageGroup(
    set: StagedSet,
    keep?: number,
  ): Promise<{ readonly left: number; readonly dropped: readonly string[] }>;
  /** Gives tasks of a set whose server is lost back to their group; call again until it answers `undefined`. */
  reclaimGroups(queue: string): Promise<ReclaimedTasks | undefined>;
  /** Registers those of the groups in which tasks wait; answers how many were not. */
  rescueGroups(queue: string, groups: readonly string[]): Promise<number>;
}

/** Answer of `reclaimGroups`. */
export interface ReclaimedTasks {
  readonly group: string;
  readonly count: number;
  readonly dropped: readonly string[];
}
