/**
 * Fills free slots: says how many tasks to lease from which queue, leases them, hands them on. One loop per server.
 */
import type { Broker, LeaseReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { ReplyLostError } from '../errors.ts';
import { drawQueues } from '../policy/queue-order.ts';
import type { BegunNotes } from './begun-notes.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import { IdleWatch } from './idle-watch.ts';
import type { Intake } from './intake.ts';
import type { LostLeases } from './lost-leases.ts';
import type { RunNumbers } from './run-numbers.ts';
import type { Service } from './service.ts';
import type { UserHooks } from './user-hooks.ts';

/** What the dispatcher works with. */
export interface DispatcherOptions {
  readonly broker: Pick<Broker, 'lease' | 'watchQueues'>;
  readonly active: ActiveTasks;
  readonly intake: Intake;
  readonly hooks: Pick<UserHooks, 'mayLease'>;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  readonly queues: Readonly<Record<string, number>>;
  readonly strictPriority: boolean;
  readonly concurrency: number;
  readonly leaseDurationMs: number;
  readonly pollIntervalMs: number;
  /** This server as its leases name it. */
  readonly serverName: string;
  readonly runs: Pick<RunNumbers, 'reserve'>;
  readonly notes: Pick<BegunNotes, 'dueIn' | 'noted'>;
  readonly lostLeases: Pick<LostLeases, 'add'>;
  /** Whether a task is to run alone, so that none may be leased beside it. */
  isHeld(): boolean;
}

/** After an error of Redis the loop pauses, twice as long each time: asynq's own loop spins here (protocol D12). */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3_000;

/** What a lease under way may hold up a stop: tasks are told of a shutdown only afterwards. */
const LEASE_WAIT_MS = 150;

/** Leases tasks as long as there are slots. `stop` ends when no lease is under way. */
export class Dispatcher implements Service {
  readonly name = 'dispatcher';
  readonly #options: DispatcherOptions;
  readonly #queues: ReadonlyMap<string, number>;
  readonly #idle: IdleWatch;
  #isRunning = false;
  #loop: Promise<void> = Promise.resolve();
  #onWake: (() => void) | undefined;
  #onStop: (() => void) | undefined;
  /** Woken while it was not asleep: what it was told of may have come after it looked. */
  #isWoken = false;
  #pauseMs = FIRST_PAUSE_MS;
  /** Number of the start; leases of one that was stopped without waiting for them are given back. */
  #life = 0;
  #abandoned = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#queues = new Map(Object.entries(options.queues));
    this.#idle = new IdleWatch({
      watch: options.broker.watchQueues(() => this.wake()),
      queues: [...this.#queues.keys()],
      pollIntervalMs: options.pollIntervalMs,
      random: Math.random,
      onFault: (where, error) => options.emitter.fault(where, error),
    });
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#life += 1;
    // After a stop the loop of before may still be ending.
    this.#loop = this.#loop.then(() => this.#run());
  }

  /**
   * Waits for a lease under way, but not for a Redis that hangs: what such a lease brings later goes back to the front
   * of its queue.
   */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#onStop?.();
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEASE_WAIT_MS);
    });
    const life = this.#life;
    await Promise.race([this.#loop, late]);
    clearTimeout(timer);
    if (life === this.#life) this.#abandoned = life;
  }

  /** Looks for tasks now instead of at the next poll: something was enqueued, or Redis is back. */
  wake(): void {
    this.#isWoken = true;
    this.#onWake?.();
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const pauseMs = await this.#step();
      if (pauseMs > 0 && this.#isRunning) await this.#sleep(pauseMs);
    }
  }

  /** One round; answers how long to pause after it. */
  async #step(): Promise<number> {
    const { active, concurrency, hooks, emitter, pollIntervalMs } = this.#options;
    // From here on: what comes while this round looks is worth another round.
    this.#isWoken = false;
    const free = concurrency - active.occupied;
    if (free <= 0 || this.#options.isHeld()) {
      await this.#slotFreed();
      return 0;
    }
    const mayLease = hooks.mayLease({ free, active: active.occupied });
    if (!(await this.#unlessStopped(mayLease))) return jittered(pollIntervalMs);
    try {
      const leased = this.#isRunning ? await this.#fill(free) : 0;
      this.#pauseMs = FIRST_PAUSE_MS;
      return leased > 0 ? this.#idle.onWork() : await this.#idle.onNothing();
    } catch (error) {
      emitter.fault('lease', error);
      return this.#errorPause();
    }
  }

  /** Leases up to `slots` tasks. A queue that gives fewer than asked is empty: its slots are drawn again. */
  async #fill(slots: number): Promise<number> {
    const candidates = new Map(this.#queues);
    let left = slots;
    while (left > 0 && candidates.size > 0 && !this.#options.isHeld()) {
      const draw = drawQueues({
        queues: candidates,
        slots: left,
        strict: this.#options.strictPriority,
        random: Math.random,
      });
      // All are awaited, also when one fails: a lease that came later would fill slots that are counted as free.
      const replies = await Promise.allSettled(
        [...draw].map(([queue, count]) => this.#lease(queue, count)),
      );
      for (const reply of replies) {
        if (reply.status === 'rejected') throw reply.reason;
        left -= reply.value.count;
        if (!reply.value.more) candidates.delete(reply.value.queue);
      }
    }
    return slots - left;
  }

  async #lease(
    queue: string,
    max: number,
  ): Promise<{ queue: string; count: number; more: boolean }> {
    const { intake, clock, emitter, leaseDurationMs } = this.#options;
    // Counted from before the call: the lease begins in Redis at some instant after this one.
    const askedAt = clock.monotonicMs();
    const life = this.#life;
    const reply = await this.#call(queue, max);
    for (const taskId of reply.dropped) emitter.emit('dropped', { queue, taskId });
    const leaseEndsMonotonicMs = askedAt + leaseDurationMs;
    const batch = { queue, tasks: reply.tasks, leaseEndsMonotonicMs };
    if (life <= this.#abandoned) intake.giveBack(batch);
    else intake.accept(batch);
    return { queue, count: reply.tasks.length, more: reply.more };
  }

  async #call(queue: string, max: number): Promise<LeaseReply> {
    const { broker, runs, notes, lostLeases, leaseDurationMs: leaseMs, serverName } = this.#options;
    const firstRun = runs.reserve(max);
    const begun = notes.dueIn(queue);
    try {
      const call = { queue, max, leaseMs, server: serverName, firstRun, begun };
      const reply = await broker.lease(call);
      notes.noted(begun);
      return reply;
    } catch (error) {
      if (error instanceof ReplyLostError) lostLeases.add({ queue, firstRun, count: max });
      throw error;
    }
  }

  /** Until a slot is free. The turn is waited out, so that slots freed together are filled together. */
  async #slotFreed(): Promise<void> {
    if (!this.#isRunning) return;
    await Promise.race([this.#options.active.changed(), this.#woken()]);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** The user's predicate may never answer: a stop does not wait for it, and counts as a no. */
  #unlessStopped(answer: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#onStop = () => resolve(false);
      answer.then(resolve, reject);
    });
  }

  #errorPause(): number {
    const pauseMs = jittered(this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    return pauseMs;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWake = resolve;
    });
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken) return;
    let timer: NodeJS.Timeout | undefined;
    const elapsed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#woken(), elapsed]);
    clearTimeout(timer);
  }
}

/** Servers that began together do not ask together: 0.5 to 1.5 times the interval, as in asynq (protocol 16.3). */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random());
}
