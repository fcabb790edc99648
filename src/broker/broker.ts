/**
 * The broker: everything the rest of Threadmill asks of Redis, with no Redis type in it. One call is one script (or one
 * plain command), atomic per queue. All instants come from Redis `TIME` inside the scripts. What the calls take and answer
 * stands in `faces/`, by subject.
 */
import type {
  ReplaceMessageCall,
  ReplaceMessageReply,
  RescheduleCall,
  RescheduleReply,
} from './faces/editing.ts';
import type { EnqueueEntry, EnqueueReply, EnqueueCall } from './faces/enqueuing.ts';
import type { ChangingCalls } from './faces/changing.ts';
import type { HealthLooks } from './faces/health.ts';
import type { Grouping } from './faces/grouping.ts';
import type { InspectingCalls } from './faces/inspecting.ts';
import type {
  LeaseCall,
  ExtendCall,
  LeasedTask,
  ExtendReply,
  HeldRun,
  HeldTask,
  LeaseReply,
  Adoption,
} from './faces/leasing.ts';
import type { PresenceEntry, RedisFacts } from './faces/presence.ts';
import type { SchedulingCalls } from './faces/scheduling.ts';
import type { SettleCall, SettleReply, LostRun, LostTask, Recovery } from './faces/settling.ts';
import type { Duty, OnQueues, QueueWatch } from './faces/watching.ts';

export type * from './faces/editing.ts';
export type * from './faces/changing.ts';
export type * from './faces/enqueuing.ts';
export type * from './faces/health.ts';
export type * from './faces/grouping.ts';
export type * from './faces/inspecting.ts';
export type * from './faces/leasing.ts';
export type * from './faces/presence.ts';
export type * from './faces/scheduling.ts';
export type * from './faces/settling.ts';
export type * from './faces/watching.ts';

export interface Broker extends InspectingCalls, SchedulingCalls, ChangingCalls, Grouping {
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
  /** Gives a task that waits another time; one that is far from both ends of a long queue is answered as `state`. */
  reschedule(call: RescheduleCall): Promise<RescheduleReply>;
  /** Replaces the message of a task that waits, if it still is the one that was read. */
  replaceMessage(call: ReplaceMessageCall): Promise<ReplaceMessageReply>;

  /** Leases tasks; stops early at about 1 MiB of messages. A paused queue gives none. */
  lease(call: LeaseCall): Promise<LeaseReply>;
  extend(call: ExtendCall): Promise<ExtendReply>;
  /** The active tasks of a queue that this server holds, by its UUID: none that a Go server, say, has taken over since. */
  heldTasks(queue: string, serverId: string): Promise<HeldTask[]>;
  /** As `heldTasks`, for whoever looks often and needs no messages. */
  heldRuns(queue: string, serverId: string): Promise<HeldRun[]>;
  /** Hands a lease on to another owner and extends it; `undefined` when it was neither `from`'s nor `to`'s. */
  adopt(lease: Adoption): Promise<LeasedTask | undefined>;
  /**
   * A watch that needs no polling; it connects when it is first armed, all watches by the same two connections, and is
   * closed with the broker. `undefined` for a Cluster, where each shard would need them: poll there.
   */
  watchQueues(duty: Duty, onChange: OnQueues): QueueWatch | undefined;
  /** Ends attempts, of a living server or for one that has died. */
  settle(call: SettleCall): Promise<SettleReply[]>;

  /** Moves due scheduled and retry tasks to pending (or their group); answers how many. */
  forward(queue: string): Promise<number>;
  /** Deletes completed tasks whose retention is over; answers how many. */
  expireCompleted(queue: string): Promise<number>;
  /**
   * Leases that are over: 2 s where the token beside the task holds, else the protocol's 30 s; at most 100, and about 4 MiB of
   * messages.
   */
  expiredLeases(queue: string): Promise<LostTask[]>;
  /** Active tasks without a lease; at most 100. */
  unleased(queue: string): Promise<LostRun[]>;
  /** What `unleased` listed, with the messages: as they may be of any size, a few at a time. */
  lostTasks(queue: string, runs: readonly LostRun[]): Promise<LostTask[]>;
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
  /** Marks the active tasks of this ID, in one queue or in whatever queue, so that extending their lease tells; answers how many. */
  markCanceled(taskId: string, queue?: string): Promise<number>;
  /** Calls back for every cancel request until the returned function is called; subscribes again by itself. */
  subscribeCancel(onCancel: (taskId: string) => void): Promise<() => Promise<void>>;

  /** What the doctor looks at and mends. */
  readonly health: HealthLooks;

  /** Whether the command connection is ready now. */
  isConnected(): boolean;
  /** Calls back when the command connection comes (`true`) or goes (`false`), until the returned function is called. */
  onConnectionChange(listener: (isUp: boolean) => void): () => void;
  close(): Promise<void>;
}
