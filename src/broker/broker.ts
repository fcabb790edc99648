/**
 * The broker: everything the rest of Threadmill asks of Redis, with no Redis type in it. One call is one script (or one
 * plain command), atomic per queue. All instants come from Redis `TIME` inside the scripts.
 */
import type { TaskState } from '../task.ts';
import type { StampedMessage } from '../wire/task-message.ts';

/** One encoded message on its way into a queue. */
export interface EnqueueEntry {
  readonly taskId: string;
  readonly message: Uint8Array;
  /** Absent = now. `at`: milliseconds since 1970; `in`: milliseconds from Redis's now. Rounded up to whole seconds. */
  readonly when?: { readonly at: number } | { readonly in: number };
}

/** What became of one entry. `conflict`: the ID exists. Instants in milliseconds by Redis's clock. */
export type EnqueueReply =
  | { readonly status: 'pending'; readonly at: number }
  | { readonly status: 'scheduled'; readonly at: number }
  | { readonly status: 'conflict' };

/** One run of one task by the server that leased it. */
export interface TaskRun {
  readonly id: string;
  readonly run: number;
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
  readonly begun?: readonly TaskRun[];
}

/** Leases of one server on their way to being extended. */
export interface ExtendCall {
  readonly queue: string;
  readonly leaseMs: number;
  readonly server: string;
  readonly tasks: readonly (TaskRun & { readonly hasBegun: boolean })[];
}

/**
 * Names a call of `enqueue`. When its reply was lost, a repeat under the same name gets the answer that the call got, and
 * stores nothing again, even if the tasks have been run and deleted meanwhile; a call that did not come through is
 * carried out.
 */
export interface EnqueueCall {
  /** Any text of its own. */
  readonly caller: string;
  /** Calls on their way at once have different slots. */
  readonly slot: number;
  /** Grows from call to call of a caller. */
  readonly number: number;
  /** The place, from 1, of the one task that is repeated out of a larger call. Absent: the call as it was. */
  readonly place?: number;
  /** How long to wait for connection and reply together, in milliseconds. */
  readonly withinMs: number;
}

/** A task leased to this server. `message` owns its memory. */
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

/** An active task that a server holds, as it is found when the server has died. */
export interface HeldTask extends Omit<LeasedTask, 'waitedMs'> {
  /** The server's whole name. */
  readonly server: string;
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
}

/** One transition of one active task. The message of `complete`, `retry` and `archive` gets its instant in the script. */
export type Settlement =
  | { readonly kind: 'done'; readonly id: string; readonly uniqueKey: string }
  | {
      readonly kind: 'complete';
      readonly id: string;
      readonly uniqueKey: string;
      readonly message: StampedMessage;
      readonly retentionSeconds: number;
      readonly result?: Uint8Array;
    }
  | {
      readonly kind: 'retry';
      readonly id: string;
      readonly message: StampedMessage;
      readonly delayMs: number;
      /** Whether the counters `processed` and `failed` grow. */
      readonly counts: boolean;
      readonly mark?: DeathMark;
    }
  | {
      readonly kind: 'archive';
      readonly id: string;
      readonly message: StampedMessage;
      readonly mark?: DeathMark;
    }
  | { readonly kind: 'requeue'; readonly id: string; readonly mark?: DeathMark | 'return' };

/**
 * What the end of an attempt leaves beside the task, kept over retries and removed by success. `crash`: one more death
 * of what ran it alone; `suspect`: what ran it beside others died. A requeue may also leave `return`: it was recovered
 * before it was noted as begun.
 */
export type DeathMark = 'crash' | 'suspect';

/** Transitions of tasks that one server holds; its name is that in their tokens. */
export interface SettleCall {
  readonly queue: string;
  readonly server: string;
  readonly settlements: readonly { readonly run: number; readonly settlement: Settlement }[];
  /** Other runs of this server that have begun since it was noted last. */
  readonly begun?: readonly TaskRun[];
}

/** `lost`: the task was not that run's any more (recovered, deleted); nothing was written. */
export type SettleReply = 'settled' | 'lost';

/** A task that nobody holds any more, as the recoverer finds it. */
export interface LostTask {
  readonly id: string;
  readonly message: Uint8Array | undefined;
  /** What stands beside it, if anything. For expired leases only a token that holds: none is Go's. */
  readonly token: string | undefined;
  /** By its token's owner. */
  readonly hasBegun: boolean;
  /** How often in a row it was recovered unbegun. */
  readonly returns: number;
}

/** A recoverer's transition, written only if the task is found as it was listed. */
export interface Recovery {
  readonly token: string | undefined;
  readonly settlement: Settlement;
}

/** What `GET /metrics` and the inspector read of one queue (protocol 13.2). */
export interface QueueInfo {
  readonly queue: string;
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly size: number;
  readonly latencyMs: number;
  readonly memoryBytes: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  readonly isPaused: boolean;
}

/** A raw task as `getTask` reads it. */
export interface StoredTask {
  readonly message: Uint8Array;
  readonly state: string;
  readonly result?: Uint8Array;
  /** Milliseconds since 1970, for scheduled and retry. */
  readonly dueAt?: number;
}

/** One server's entry under `asynq:servers`, its running tasks beside it. Encoded by wire/server-info. */
export interface PresenceEntry {
  /** `host:pid:uuid`. */
  readonly address: string;
  readonly info: Uint8Array;
  readonly workers: readonly { readonly taskId: string; readonly info: Uint8Array }[];
  readonly ttlSeconds: number;
}

/** What a server learns about the Redis it talks to. */
export interface RedisFacts {
  readonly product: 'redis' | 'valkey';
  readonly version: string;
  readonly evictionPolicy: string | undefined;
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

/** Tells when a queue may have got something to lease. */
export interface QueueWatch {
  /**
   * Watches these queues for one change (also of their pause), told through `onChange`, and answers whether there is
   * something to lease already. A lost connection counts as a change. Throws `RedisReplyError` where Redis, or a proxy
   * before it, refuses; else as every call.
   */
  arm(queues: readonly string[]): Promise<boolean>;
  close(): Promise<void>;
}

export interface Broker {
  /** Checks product and version; throws `UnsupportedRedisError`. */
  check(): Promise<RedisFacts>;
  ping(): Promise<void>;
  /** Changes nothing; rejects as a lease from any of these queues would where Redis is away or writes nothing now. */
  tryWrite(queues: readonly string[]): Promise<void>;

  /** Without a `call` it must not be repeated after a `ReplyLostError`: it would conflict with itself, or run twice. */
  enqueue(
    queue: string,
    entries: readonly EnqueueEntry[],
    call?: EnqueueCall,
  ): Promise<EnqueueReply[]>;
  getTask(queue: string, taskId: string): Promise<StoredTask | undefined>;

  /** Leases tasks; stops early at about 1 MiB of messages. A paused queue gives none. */
  lease(call: LeaseCall): Promise<LeaseReply>;
  extend(call: ExtendCall): Promise<ExtendReply>;
  /** The active tasks of a queue that this server holds, by its UUID: none that a Go server, say, has taken over since. */
  heldTasks(queue: string, serverId: string): Promise<HeldTask[]>;
  /** Hands a lease on to another owner and extends it; `undefined` when it was neither `from`'s nor `to`'s. */
  adopt(lease: Adoption): Promise<LeasedTask | undefined>;
  /**
   * A watch that needs no polling; it connects when it is first armed, and is closed with the broker. `undefined` for a
   * Cluster, where each shard would need one: poll there.
   */
  watchQueues(onChange: () => void): QueueWatch | undefined;
  /** Ends attempts, of a living server or for one that has died. */
  settle(call: SettleCall): Promise<SettleReply[]>;

  /** Moves due scheduled and retry tasks to pending (or their group); answers how many. */
  forward(queue: string): Promise<number>;
  /** Deletes completed tasks whose retention is over; answers how many. */
  expireCompleted(queue: string): Promise<number>;
  /** Leases that are over: 2 s where the token beside the task holds, else the protocol's 30 s; at most 100. */
  expiredLeases(queue: string): Promise<LostTask[]>;
  /** Active tasks without a lease; at most 100. */
  unleased(queue: string): Promise<LostTask[]>;
  /** Settles tasks that were listed by `expiredLeases`, if each is still as it was. */
  settleExpired(queue: string, recoveries: readonly Recovery[]): Promise<SettleReply[]>;
  /** Settles tasks that were listed by `unleased`, if each is still as it was. */
  settleUnleased(queue: string, recoveries: readonly Recovery[]): Promise<SettleReply[]>;

  /** Addresses (`host:pid:uuid`) of the servers of a host, also of some that are gone. */
  localServers(host: string): Promise<string[]>;
  announce(entry: PresenceEntry): Promise<void>;
  withdraw(address: string): Promise<void>;
  /** Sends a cancel request to the whole fleet (protocol 12.2). */
  publishCancel(taskId: string): Promise<void>;
  /** Marks the active tasks of this ID, in whatever queue, so that extending their lease tells; answers how many. */
  markCanceled(taskId: string): Promise<number>;
  /** Calls back for every cancel request until the returned function is called; subscribes again by itself. */
  subscribeCancel(onCancel: (taskId: string) => void): Promise<() => Promise<void>>;

  queues(): Promise<string[]>;
  queueInfo(queue: string): Promise<QueueInfo>;

  /** Whether the command connection is ready now. */
  isConnected(): boolean;
  /** Calls back when the command connection comes (`true`) or goes (`false`), until the returned function is called. */
  onConnectionChange(listener: (isUp: boolean) => void): () => void;
  close(): Promise<void>;
}
