/**
 * Fills free slots, and leases ahead of them while tasks are short: asks the planner how many tasks to lease from which
 * queue, leases them, hands them on. One loop per server.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Broker, LeaseCall, LeasedTask, LeaseReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { ReplyLostError } from '../errors.ts';
import { leaseCalls } from '../policy/prefetch.ts';
import type { BegunNotes } from './begun-notes.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import { ErrorPause, jittered } from './error-pause.ts';
import { IdleWatch } from './idle-watch.ts';
import type { Intake } from './intake.ts';
import { LeasePlanner } from './lease-planner.ts';
import type { LostLeases } from './lost-leases.ts';
import type { ReturnedTasks } from './returned-tasks.ts';
import type { RunNumbers } from './run-numbers.ts';
import type { Service } from './service.ts';
import type { UserHooks } from './user-hooks.ts';
import { WaitLimit, type WaitLimitOptions } from './wait-limit.ts';

/** What the dispatcher works with. */
export interface DispatcherOptions extends Pick<WaitLimitOptions, 'finisher' | 'withdraw'> {
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
  readonly returned: Pick<ReturnedTasks, 'next' | 'onReply'>;
  /** Whether a task is to run alone, so that none may be leased beside it. */
  isHeld(): boolean;
}

/** What a lease under way may hold up a stop: tasks are told of a shutdown only afterwards. */
const LEASE_WAIT_MS = 150;

/**
 * What one call takes at most: a script of more would hold up Redis for others, and threads begin with what is here while
 * the next call is under way.
 */
const MAX_BATCH = 128;

/** What one call brought. */
interface Leased {
  readonly queue: string;
  readonly count: number;
  readonly more: boolean;
}

/** Leases tasks as long as there are slots. `stop` ends when no lease is under way. */
export class Dispatcher implements Service {
  readonly name = 'dispatcher';
  readonly #options: DispatcherOptions;
  readonly #queues: ReadonlyMap<string, number>;
  readonly #idle: IdleWatch;
  readonly #planner: LeasePlanner;
  readonly #waitLimit: WaitLimit;
  #isRunning = false;
  #loop: Promise<void> = Promise.resolve();
  #onWake: (() => void) | undefined;
  #onStop: (() => void) | undefined;
  /** Woken while it was not asleep: what it was told of may have come after it looked. */
  #isWoken = false;
  readonly #errorPause = new ErrorPause();
  /** Number of the start; leases of one that was stopped without waiting for them are given back. */
  #life = 0;
  #abandoned = 0;
  /** Calls whose reply is not there. */
  #underWay = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#queues = new Map(Object.entries(options.queues));
    const random = Math.random;
    this.#planner = new LeasePlanner({ ...options, queues: this.#queues, random });
    this.#waitLimit = new WaitLimit({
      ...options,
      isLeasing: () => this.#underWay > 0,
      onGivenBack: (queue, waitedMs) => this.#planner.distrust(queue, waitedMs),
    });
    this.#idle = new IdleWatch({
      watch: (onChange) => options.broker.watchQueues('lease', onChange),
      queues: [...this.#queues.keys()],
      pollIntervalMs: options.pollIntervalMs,
      random,
      onWake: () => this.wake(),
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
    let round: Promise<number> | undefined;
    while (this.#isRunning || round !== undefined) {
      const pauseMs = await (round ?? this.#step());
      round = pauseMs > 0 && this.#isRunning ? (await this.#sleep(pauseMs)).round : undefined;
    }
  }

  /** One round; answers how long to pause after it. */
  async #step(): Promise<number> {
    const { concurrency, hooks, emitter, pollIntervalMs } = this.#options;
    // From here on: what comes while this round looks is worth another round.
    this.#isWoken = false;
    if (!this.#planner.isDue || this.#options.isHeld()) {
      await this.#roomMade();
      return 0;
    }
    const { free } = this.#planner;
    const mayLease = hooks.mayLease({ free, active: concurrency - free });
    // What is known is not awaited, here and below: a sleeper that is woken has its lease on its way within the call.
    if (mayLease !== true && !(await this.#unlessStopped(mayLease))) {
      this.#planner.roundEnded(0);
      return free > 0 ? jittered(pollIntervalMs) : 0;
    }
    try {
      const found = this.#idle.candidates();
      const open = found instanceof Promise ? await found : found;
      const { leased, dry, isEmptied } = await this.#fill(open);
      this.#errorPause.reset();
      if (leased > 0) return await this.#idle.onWork(dry, isEmptied && this.#planner.free > 0);
      // With no slot free the next one that is asks again.
      return this.#planner.free > 0 ? await this.#idle.onNothing() : 0;
    } catch (error) {
      emitter.fault('lease', error);
      return this.#errorPause.next();
    }
  }

  /**
   * Leases what has a place from the queues that may have something. One that gives fewer than asked is empty: its places
   * are drawn again. Those that gave nothing are `dry`; when none has any left, all are emptied.
   */
  async #fill(open: ReadonlySet<string>) {
    const candidates = new Map([...open].map((queue) => [queue, this.#queues.get(queue) ?? 1]));
    const budget = this.#planner.budget();
    const dry: string[] = [];
    let leased = 0;
    while (this.#isRunning && !this.#options.isHeld()) {
      const alone = this.#options.returned.next;
      const draw = alone ? new Map([[alone, 1]]) : this.#planner.draw(candidates, budget);
      if (draw.size === 0) break;
      // All are awaited, also when one fails: a lease that came later would fill slots that are counted as free.
      const replies = await Promise.allSettled(
        [...draw].flatMap(([queue, count]) => this.#leaseAll(queue, count)),
      );
      this.#waitLimit.watch(); // also for what came beside a call that failed
      for (const reply of replies) {
        if (reply.status === 'rejected') throw reply.reason;
        const { queue, count, more } = reply.value;
        leased += count;
        budget.ahead -= Math.max(0, count - budget.slots);
        budget.slots = Math.max(0, budget.slots - count);
        if (more) continue;
        candidates.delete(queue);
        if (count === 0) dry.push(queue);
      }
    }
    this.#planner.roundEnded(leased);
    return { leased, dry, isEmptied: candidates.size === 0 };
  }

  /**
   * In as many calls as it takes. All of what was drawn: a queue that got less of its turns than another would not get its
   * share. Of large messages a call brings few; threads begin with the first while others are on their way.
   */
  #leaseAll(queue: string, count: number): Promise<Leased>[] {
    const { sizes, maxBytes } = leaseCalls(count, this.#planner.typicalBytes(queue), MAX_BATCH);
    return sizes.map((size) => this.#lease(queue, size, maxBytes));
  }

  async #lease(queue: string, max: number, maxBytes: number): Promise<Leased> {
    const { intake, clock, emitter, leaseDurationMs } = this.#options;
    // Counted from before the call: the lease begins in Redis at some instant after this one.
    const askedAt = clock.monotonicMs();
    const life = this.#life;
    const { returned } = this.#options;
    const isAlone = returned.next !== undefined;
    const leaseEndsMonotonicMs = askedAt + leaseDurationMs;
    const early = new Set<LeasedTask>();
    const onFetched = (task: LeasedTask): void => {
      // One that is leased by itself is taken in when that is known, and late ones go back in their order.
      const isLate = life <= this.#abandoned || clock.monotonicMs() - askedAt > leaseDurationMs / 2;
      if (isAlone || isLate) return;
      early.add(task);
      intake.accept({ queue, tasks: [task], leaseEndsMonotonicMs });
    };
    const reply = await this.#call({ queue, max, maxBytes, leavesReturned: !isAlone, onFetched });
    returned.onReply(queue, reply, isAlone);
    this.#planner.onAnswer(queue, {
      asked: max,
      count: reply.tasks.length,
      bytes: reply.tasks.reduce((sum, { message }) => sum + (message?.byteLength ?? 0), 0),
      more: reply.more,
      tookMs: clock.monotonicMs() - askedAt,
    });
    for (const taskId of reply.dropped) emitter.emit('dropped', { queue, taskId });
    const tasks = early.size > 0 ? reply.tasks.filter((task) => !early.has(task)) : reply.tasks;
    const batch = { queue, tasks, leaseEndsMonotonicMs };
    if (life <= this.#abandoned) intake.giveBack(batch);
    else intake.accept(batch);
    return { queue, count: reply.tasks.length, more: reply.more };
  }

  async #call(asked: Omit<LeaseCall, 'leaseMs' | 'server' | 'firstRun'>): Promise<LeaseReply> {
    const { broker, runs, notes, lostLeases, leaseDurationMs: leaseMs, serverName } = this.#options;
    const { queue, max } = asked;
    const firstRun = runs.reserve(max);
    const begun = notes.dueIn(queue);
    this.#underWay += 1;
    try {
      const reply = await broker.lease({ ...asked, leaseMs, server: serverName, firstRun, begun });
      notes.noted(begun);
      return reply;
    } catch (error) {
      if (error instanceof ReplyLostError) lostLeases.add({ queue, firstRun, count: max });
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Until a lease is due. The turn is waited out, so that slots freed together are filled together. */
  async #roomMade(): Promise<void> {
    if (!this.#isRunning) return;
    await new Promise<void>((resolve) => {
      this.#onWake = resolve;
      this.#planner.onRoom(() => this.#onWake?.());
    });
    await nextTurn();
  }

  /** The user's predicate may never answer: a stop does not wait for it, and counts as a no. */
  #unlessStopped(answer: false | Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#onStop = () => resolve(false);
      Promise.resolve(answer).then(resolve, reject);
    });
  }

  /** A round that wakes it has begun when it resolves: each hop between the news and the lease counts. */
  #sleep(ms: number): Promise<{ readonly round?: Promise<number> }> {
    if (this.#isWoken) return Promise.resolve({});
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onWake?.(), ms);
      this.#onWake = () => {
        this.#onWake = undefined;
        resolve(this.#isRunning ? { round: this.#step() } : {});
        clearTimeout(timer);
      };
    });
  }
}
