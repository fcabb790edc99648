/** What the doctor asks of Redis: looks in short steps that change nothing, and mending what is surely broken. */
import type { TaskState } from '../../task.ts';

/** Where a queue keeps IDs of tasks. `set`: the full key of an aggregation set. */
export type Container =
  | { readonly kind: 'lease' | Exclude<TaskState, 'aggregating'> }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'set'; readonly key: string };

/** A look at one part of a container. */
export interface ContainerCall {
  readonly queue: string;
  readonly container: Container;
  /** Position of its first entry: 0, then what the part before says. */
  readonly from: number;
  /** Takes out IDs that have no hash. */
  readonly mends: boolean;
}

/** What stands in one part of a container. */
export interface ContainerPart {
  /** Where the next part begins; `undefined` behind the last. */
  readonly next: number | undefined;
  readonly ids: readonly string[];
  readonly flaws: readonly Flaw[];
}

/**
 * What is wrong with an entry: it has no hash (`gone`); its hash is in another state; its score is no second; it is
 * active without lease; it is active, and there is nothing in its hash that could be run (`empty`).
 */
export interface Flaw {
  readonly kind: 'gone' | 'state' | 'score' | 'unleased' | 'empty';
  readonly id: string;
  /** The state, or the score. */
  readonly detail: string;
}

/** A task and the second that is its score. */
export interface LateTask {
  readonly id: string;
  readonly atMs: number;
}

/** What is in a queue, and what is late. */
export interface QueueFigures {
  readonly nowMs: number;
  /** Their lease has been over for long; the first hundred. */
  readonly stuck: readonly LateTask[];
  /** Due for long, but not forwarded; the first hundred. */
  readonly overdue: readonly LateTask[];
  readonly lengths: Readonly<Record<'lease' | Exclude<TaskState, 'aggregating'>, number>>;
  /** Full keys, the first thousand. */
  readonly aggregationSets: readonly string[];
}

/** A hash in no container, or a lease of what is not active. */
export interface StrayTask {
  readonly id: string;
  /** As its hash says; '' when it does not. */
  readonly state: string;
}

/** A unique lock without a task: its holder is `gone`, or an `other` task has that ID. */
export interface LeakedLock {
  readonly key: string;
  readonly holder: string;
  readonly why: 'gone' | 'other';
}

/** What is done with names of groups. */
export type GroupAct = 'look' | 'drop' | 'find' | 'list';

/** A list of the fleet. */
export type PresenceList = 'servers' | 'workers' | 'schedulers';

/** An entry of such a list. */
export interface ListedPresence {
  readonly list: PresenceList;
  /** `host:pid:uuid`. */
  readonly address: string;
  /** When it is over, as who wrote it reckoned. */
  readonly expiresAtMs: number;
  /** For how long Redis still keeps what it names; `undefined` when that is gone. */
  readonly leftMs: number | undefined;
  /** Redis's clock at the look. */
  readonly nowMs: number;
}

/** The doctor's part of the broker. `queue` says where in a Cluster to look: at the server that has this queue. */
export interface HealthLooks {
  /** The servers that have these queues; for each one queue by which it is reached. One, but in a Cluster. */
  nodes(queues: readonly string[]): Promise<readonly { node: string; queue: string }[]>;
  /** Fields of `INFO`. */
  info(queue: string): Promise<ReadonlyMap<string, string>>;
  /** The setting `save`; '' when no snapshots are made. */
  saveSetting(queue: string): Promise<string>;
  /** Redis's clock, in milliseconds. */
  time(queue: string): Promise<number>;
  /** Some keys of the server that has this queue, all of asynq; `cursor` is '0' at first, and again at the end. */
  scanKeys(queue: string, cursor: string): Promise<{ cursor: string; keys: readonly string[] }>;
  figures(queue: string): Promise<QueueFigures>;
  lookAtContainer(call: ContainerCall): Promise<ContainerPart>;
  /** Which of these tasks, at most 20, are in no container. Those that came since an instant of Redis's clock are left out. */
  strayHashes(queue: string, ids: readonly string[], sinceMs: number): Promise<StrayTask[]>;
  /** Which of these locks, at most 200, leak; `mends` releases them. */
  leakedLocks(queue: string, keys: readonly string[], mends: boolean): Promise<LeakedLock[]>;
  groupNames(queue: string): Promise<string[]>;
  /**
   * Tasks in each of these groups, at most 200, and whether it was mended. Of groups that are listed (`look`; `drop` mends),
   * or are not (`find`, `list`), which reads 0 for those that are listed by now.
   */
  lookAtGroups(
    queue: string,
    names: readonly string[],
    act: GroupAct,
  ): Promise<readonly { readonly size: number; readonly isMended: boolean }[]>;
  /** Which of these leased tasks, at most 50, are not in `active`; `mends` puts that right. */
  strayLeases(queue: string, ids: readonly string[], mends: boolean): Promise<StrayTask[]>;
  presence(): Promise<ListedPresence[]>;
  /** Queues that a listed server serves; `undefined` when its entry is gone or cannot be read. */
  servedQueues(address: string): Promise<readonly string[] | undefined>;
  /** Which of these tasks this server says it is running. */
  claimed(address: string, ids: readonly string[]): Promise<string[]>;
  /** Removes the entries that have been over for a minute; answers how many. */
  prunePresence(list: PresenceList): Promise<number>;
  /** Adds queues to the list of all; answers how many were new. */
  listQueues(queues: readonly string[]): Promise<number>;
}
