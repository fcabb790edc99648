/** What operators do to tasks and queues. */
import type { PlacedId, TaskPlace } from './inspecting.ts';

/** What is done to a task; `look` does nothing. */
export type TaskAction = 'run' | 'archive' | 'delete';

/**
 * What became of one task. `refused`: not in this state. `deep`: it is in the midst of a long `pending`; a sweep finds
 * it. `away`: it is not where its state says (staged for an aggregation, say).
 */
export type ChangeReply =
  | { readonly status: 'changed' | 'missing' | 'deep' }
  | { readonly status: 'refused' | 'away'; readonly state: string };

/** One step through the tasks of a place. */
export interface SweepStep {
  readonly place: TaskPlace;
  readonly action: TaskAction | 'look';
  /** How many entries are to be listed next. */
  readonly count: number;
  /** What the last step listed, each with whether it is to be changed; absent at the first step. */
  readonly listed?: SweepList;
  /** Entries with larger scores are not listed. */
  readonly maxScore?: number;
}

/** Entries side by side, and where the first of them was. */
export interface SweepList {
  readonly at: number;
  readonly entries: readonly (PlacedId & { readonly isChosen: boolean })[];
}

/** What a step did and found. */
export interface SweepReply {
  /** Entries that the place has now. */
  readonly total: number;
  /** Redis's clock, in milliseconds since 1970. */
  readonly now: number;
  readonly changed: number;
  /** How many of the listed entries are dealt with; the next list begins with the others. */
  readonly dealt: number;
  /** Where the next list begins; -1 when the walk lost its place, and is to begin again. */
  readonly at: number;
  readonly entries: readonly PlacedId[];
}

/** What a step of the removal of a queue does. */
export type RemoveStep =
  | { readonly act: 'look' | 'pause' }
  | {
      /** Deletes up to `count` tasks, and removes the queue if those are the last. */
      readonly act: 'remove';
      readonly count: number;
      /** Does nothing while other tasks than completed ones wait. */
      readonly onlyCompleted: boolean;
    };

/** What a queue that is to be removed held before the step. */
export interface QueueHolds {
  readonly holds: 'active' | 'tasks' | 'completed' | 'nothing';
  /** The step paused it, or removed it. */
  readonly isDone: boolean;
  /** Tasks in it, those in groups aside. */
  readonly total: number;
  readonly deleted: number;
}

/** The part of the broker that operators use to change something. Each call is over within a few milliseconds. */
export interface ChangingCalls {
  /** Changes tasks by ID, in whatever state they are; one reply for each. */
  changeTasks(queue: string, action: TaskAction, ids: readonly string[]): Promise<ChangeReply[]>;
  /** Walks through all tasks of one state. */
  sweep(step: SweepStep): Promise<SweepReply>;
  /** Answers whether it was not paused before. */
  pause(queue: string): Promise<boolean>;
  /** Answers whether it was paused. */
  resume(queue: string): Promise<boolean>;
  /** One step of a removal; does nothing while tasks of the queue are active. */
  removeQueue(queue: string, step: RemoveStep): Promise<QueueHolds>;
  /** Takes a queue out of the list of all queues, or adds it. */
  registerQueue(queue: string, isListed: boolean): Promise<void>;
}
