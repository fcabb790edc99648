/**
 * The aggregation sets of this server: stages the tasks of a group, reads them, keeps the set from going stale while the
 * aggregate function runs, and ends it.
 *
 *     staged -> closed (its tasks are being deleted) -> (gone)
 *          \--> given back to the group
 *
 * A set whose server dies goes stale and is reclaimed by any other; what its server writes afterwards is refused.
 */
import type { Broker, CloseCall, CloseReply, StagedSet, StagedTask } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { UndecodableMessageError } from '../errors.ts';
import type { GroupRules } from '../policy/group-rules.ts';
import { undecodableMessage } from '../policy/undecodable.ts';
import { MAX_GROUP_SIZE, UNDECODABLE_TYPE } from '../task.ts';
import type { PreparedTask } from '../policy/enqueue-options.ts';
import { encodeTaskMessage, type TaskMessage } from '../wire/task-message.ts';
import type { ServerEmitter } from './emitter.ts';
import { readMessage } from './intake.ts';

/** What it works with. */
export interface StagedSetsOptions {
  readonly broker: Pick<
    Broker,
    | 'stageGroup'
    | 'readGroup'
    | 'setAside'
    | 'extendGroups'
    | 'closeGroup'
    | 'sweepGroup'
    | 'unstageGroup'
  >;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  /** Bytes of messages at which the rest of a set goes back to its group: all of them are in memory. Default 64 MiB. */
  readonly mostBytes?: number;
}

/** A set while this server has it. */
export interface HeldSet {
  readonly set: StagedSet;
  /** Until when it is ours, by the monotonic clock, counted from when that was asked for. */
  endsMonotonicMs: number;
  /** Called with every extension, and when the set was found to be somebody else's. */
  onChange?: (isLost: boolean) => void;
}

/** What was read of a set. */
export interface StagedTasks {
  readonly messages: readonly TaskMessage[];
  /** The set was too large, and a part of it went back to the group. */
  readonly isPart: boolean;
}

/** A set goes stale after this time without an extension, as in asynq. Seconds. */
export const STALE_SECONDS = 120;
const MOST_BYTES = 67_108_864;
/** As many tasks as one call of `sweepGroup` deletes. */
const SWEEP_STEP = 500;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** The sets that this server has staged. */
export class StagedSets {
  readonly #options: StagedSetsOptions;
  readonly #held = new Map<string, HeldSet>();

  constructor(options: StagedSetsOptions) {
    this.#options = options;
  }

  /** Stages what waits in a group; `undefined` when it is not to be aggregated any more. */
  async stage(
    set: StagedSet,
    rules: GroupRules,
  ): Promise<{ readonly held: HeldSet; readonly left: number } | undefined> {
    const { broker, clock } = this.#options;
    const endsMonotonicMs = clock.monotonicMs() + STALE_SECONDS * 1_000;
    const held: HeldSet = { set, endsMonotonicMs };
    try {
      const most = Math.min(rules.maxSize ?? MAX_GROUP_SIZE, MAX_GROUP_SIZE);
      for (;;) {
        const call = { set, rules, most, staleSeconds: STALE_SECONDS };
        const { staged, left } = await broker.stageGroup(call);
        if (staged === 0) return undefined;
        if (staged < most && left > 0) continue;
        this.#held.set(set.id, held);
        return { held, left };
      }
    } catch (error) {
      await this.giveBack(held); // it may have been carried out although no reply came
      throw error;
    }
  }

  /** Reads the tasks of a set. Those that cannot be read are archived, IDs without a task dropped. */
  async read({ set }: HeldSet): Promise<StagedTasks> {
    const messages: TaskMessage[] = [];
    let bytes = 0;
    for (;;) {
      const page = await this.#options.broker.readGroup(set, messages.length);
      this.#tellDropped(set.queue, page.dropped);
      const unreadable = await this.#sort(set, page.tasks, messages);
      bytes += page.tasks.reduce((sum, { message }) => sum + message.byteLength, 0);
      if (messages.length >= page.size - unreadable) return { messages, isPart: false };
      if (bytes < (this.#options.mostBytes ?? MOST_BYTES)) continue;
      await this.#unstage(set, messages.length);
      return { messages, isPart: true };
    }
  }

  /**
   * Stores what came of the tasks and takes the set away. Tried again for as long as the set may be ours: the result of a
   * long run is not thrown away for a short outage. Ends early when `signal` aborts, with what Redis said last.
   */
  async close(
    held: HeldSet,
    size: number,
    task: PreparedTask | undefined,
    signal: AbortSignal,
  ): Promise<CloseReply> {
    const { broker, clock } = this.#options;
    const until = held.endsMonotonicMs;
    const call: CloseCall = {
      set: held.set,
      size,
      ...(task && { entry: { ...task, message: encodeTaskMessage(task.message) } }),
    };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const reply = await broker.closeGroup(call);
        if (reply.status === 'closed' || reply.status === 'gone') this.#held.delete(held.set.id);
        return reply;
      } catch (error) {
        if (signal.aborted || clock.monotonicMs() + pauseMs >= until) throw error;
        await pause(pauseMs, signal);
      }
    }
  }

  /** Deletes the tasks of a closed set. What fails is left to whoever sweeps leftovers. */
  async sweep({ set }: HeldSet, messages: readonly TaskMessage[]): Promise<void> {
    for (let at = 0; ; at += SWEEP_STEP) {
      const locks = messages
        .slice(at, at + SWEEP_STEP)
        .filter(({ uniqueKey }) => uniqueKey !== '')
        .map(({ id, uniqueKey }) => ({ id, uniqueKey }));
      if ((await this.#options.broker.sweepGroup(set, locks)) === 0) return;
    }
  }

  /** Gives the tasks of a set back to their group. Where Redis is away, the set goes stale and is reclaimed. */
  async giveBack({ set }: HeldSet): Promise<void> {
    this.#held.delete(set.id);
    try {
      await this.#unstage(set, 0);
    } catch (error) {
      this.#options.emitter.fault('aggregator', error);
    }
  }

  /** This server has done with the set, which is left to go stale. */
  forget({ set }: HeldSet): void {
    this.#held.delete(set.id);
  }

  /** Puts off the instants at which the sets go stale; those that are gone already are told so. */
  async extend(): Promise<void> {
    const { broker, clock } = this.#options;
    const calls = [...byQueue(this.#held.values())].map(async ([queue, all]) => {
      const endsMonotonicMs = clock.monotonicMs() + STALE_SECONDS * 1_000;
      const sets = all.map(({ set }) => set);
      const gone = new Set(await broker.extendGroups(queue, sets, STALE_SECONDS));
      for (const held of all) {
        const isLost = gone.has(held.set.id);
        if (!isLost) held.endsMonotonicMs = endsMonotonicMs;
        // One that was closed or given back meanwhile is gone by our own hand.
        if (this.#held.has(held.set.id)) held.onChange?.(isLost);
      }
    });
    await Promise.all(calls);
  }

  /** Keeps what can be read, archives the rest, and answers how many that were. */
  async #sort(
    set: StagedSet,
    tasks: readonly StagedTask[],
    messages: TaskMessage[],
  ): Promise<number> {
    const { queue } = set;
    const unreadable: { task: StagedTask; error: UndecodableMessageError }[] = [];
    for (const task of tasks) {
      const read = readMessage(queue, task);
      if (read instanceof UndecodableMessageError) unreadable.push({ task, error: read });
      else messages.push(read);
    }
    if (unreadable.length === 0) return 0;
    const { broker, emitter } = this.#options;
    const aside = unreadable.map(({ task: { id, message: raw }, error }) => {
      return { id, message: undecodableMessage({ id, queue, raw, error }) };
    });
    await broker.setAside(set, aside);
    for (const { task, error } of unreadable) {
      const ref = { id: task.id, type: UNDECODABLE_TYPE, queue, retried: 0, maxRetry: 0 };
      emitter.emit('failed', { task: ref, error, runMs: undefined, reason: 'undecodable' });
      emitter.emit('archived', { task: ref, error });
    }
    return unreadable.length;
  }

  async #unstage(set: StagedSet, keep: number): Promise<void> {
    for (;;) {
      const { left, dropped } = await this.#options.broker.unstageGroup(set, keep);
      this.#tellDropped(set.queue, dropped);
      if (left === 0) return;
    }
  }

  #tellDropped(queue: string, ids: readonly string[]): void {
    for (const taskId of ids) this.#options.emitter.emit('dropped', { queue, taskId });
  }
}

function byQueue(sets: Iterable<HeldSet>): Map<string, HeldSet[]> {
  const queues = new Map<string, HeldSet[]>();
  for (const held of sets) {
    const { queue } = held.set;
    queues.set(queue, [...(queues.get(queue) ?? []), held]);
  }
  return queues;
}

/** Ends early when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
