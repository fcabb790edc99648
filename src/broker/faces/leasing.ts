/** What a server asks of Redis to get tasks and to keep them: leases. */
import type { AttemptStart } from '../../wire/task-records.ts';

/** One run of one task by the server that leased it. */
export interface TaskRun {
  readonly id: string;
  readonly run: number;
}

/** A run that has begun. */
export interface BegunRun extends TaskRun {
  /** Since when and where; noted for those who look at the task. */
  readonly start?: AttemptStart;
}

/** What the handler of a run has reported and Redis does not know yet, encoded by wire/task-records. */
export interface ReportChange {
  readonly progress?: string;
  readonly log?: string;
}

/** What a server takes from a queue. */
export interface LeaseCall {
  readonly queue: string;
  readonly max: number;
  readonly leaseMs: number;
  /** The server's name (wire/lease-token). */
  readonly server: string;
  /** Run number of the first task; the next ones follow. */
  readonly firstRun: number;
  /** Runs of this server that have begun since it was noted last. */
  readonly begun?: readonly BegunRun[];
  /** Stops before a task that was recovered before it was noted as begun. Default false: it is leased like all. */
  readonly leavesReturned?: boolean;
  /** Bytes of messages at which it stops, with the large ones, which are fetched by themselves; at least, and by default, 1 MiB. */
  readonly maxBytes?: number;
  /** Is told of each task whose message was fetched by itself, as soon as it is there. The reply has it as well. */
  onFetched?(task: LeasedTask): void;
}

/** Leases of one server on their way to being extended. */
export interface ExtendCall {
  readonly queue: string;
  readonly leaseMs: number;
  readonly server: string;
  readonly tasks: readonly ExtendedRun[];
}

/** A run whose lease is to be extended, with what is new of it. */
export interface ExtendedRun extends BegunRun {
  readonly hasBegun: boolean;
  readonly report?: ReportChange;
}

/** A task leased to this server. `message` keeps alive what it needs, or a slab of a few KiB; it is not to be transferred. */
export interface LeasedTask {
  readonly id: string;
  readonly run: number;
  /** `undefined` when the hash holds no message. */
  readonly message: Uint8Array | undefined;
  /** How long it was pending, in milliseconds; `undefined` when nobody wrote that down (requeue, inspector run). */
  readonly waitedMs: number | undefined;
  /** Threads or processes that died while they ran this task alone. */
  readonly crashes: number;
  /** A process died while it ran this task beside others: it is to run alone. */
  readonly isSuspect: boolean;
}

/** Answer of `extend`: IDs, each in at most one of the lists. */
export interface ExtendReply {
  /** Not this server's run any more, or its lease was over: that is never revived. */
  readonly gone: readonly string[];
  /** Extended, but somebody has asked for the task to be canceled. */
  readonly canceled: readonly string[];
}

/** A run that a server holds. */
export interface HeldRun {
  readonly id: string;
  /** The server's whole name. */
  readonly server: string;
  readonly run: number;
}

/** An active task that a server holds, as it is found when the server has died. */
export interface HeldTask extends HeldRun, Omit<LeasedTask, 'waitedMs'> {
  /** It was noted that a thread had begun it. */
  readonly hasBegun: boolean;
  /** How often in a row it was recovered before it was noted as begun. */
  readonly returns: number;
}

/** Answer of `lease`. */
export interface LeaseReply {
  readonly tasks: readonly LeasedTask[];
  /** IDs that had no hash: taken out, as nothing can be run (protocol D10). */
  readonly dropped: readonly string[];
  /** Whether the queue may hold more than was taken; `false` when it is empty or paused. */
  readonly more: boolean;
  /** Such a task is next in the queue, and was left there (`leavesReturned`). */
  readonly isReturnedNext?: true;
}

/** A lease on its way from one server to another. */
export interface Adoption {
  readonly queue: string;
  readonly taskId: string;
  readonly from: Holder;
  readonly to: Holder;
  readonly leaseMs: number;
}

/** Who holds a lease: a server's name and the number of its run. */
export interface Holder {
  readonly server: string;
  readonly run: number;
}
