/**
 * Which queues the dispatcher draws from, and how it waits when there is nothing to lease. Redis tells of changes queue by
 * queue, so that of a thousand queues only the one that has got a task costs anything; all are looked at now and then all
 * the same. Where Redis refuses to tell, it polls, and asks again now and then.
 *
 *     unknown --look--> open --gave nothing, look--> shut --a change is told--> told --> open, or a look
 *
 * Of many idle servers a single task wakes all and serves one. The one that got the last task acts at once. The others wait
 * for a random while, longer each time in a row that they find nothing, and begin with a look then: it is one command,
 * where a lease that finds nothing is six, and has them told again as well.
 */
import type { OnQueues, QueueWatch } from '../broker/broker.ts';
import { QueueLooks } from './queue-looks.ts';

/** What the idle watch works with. */
export interface IdleWatchOptions {
  /** Makes the watch. Without one it polls. */
  watch(onChange: OnQueues): QueueWatch | undefined;
  readonly queues: readonly string[];
  readonly pollIntervalMs: number;
  readonly random: () => number;
  /** To be called when a change was told. */
  onWake(): void;
  onFault(where: string, error: unknown): void;
}

/** With a watch armed, polls are a safety net and come this much more seldom, */
const ARMED_FACTOR = 10;
/** and more seldom still with many queues: ten looks a second are enough. */
const LOOK_MS = 100;
const FIRST_MISS_MS = 5;
const LONGEST_MISS_MS = 500;
const MISS_FACTOR = 2;
/** Who leased in vain, because another was faster, has cost more, and knows that there is another. */
const RACE_FACTOR = 4;
/** A look takes a round trip, so that it is left out for so many queues where a task is likely. */
const FEW = 4;

/** `blurred`: changed while it was looked at, maybe by the own lease before the look. */
type State = 'unknown' | 'open' | 'shut' | 'told' | 'blurred';

/** Decides what to draw from and how long to sleep; a change wakes the sleeper. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  readonly #looks: QueueLooks;
  readonly #states: Map<string, State>;
  readonly #open = new Set<string>();
  /** Those that are neither open nor shut. */
  readonly #doubtful = new Set<string>();
  /** Opened upon a change. */
  readonly #woken = new Set<string>();
  /** It was the one that got what it was woken for last: the others will have paused, and it leases without a look. */
  #isWinning = false;
  readonly #misses = new Map<string, { readonly nextMs: number; readonly untilMs: number }>();
  #looksAtMs: number;

  constructor(options: IdleWatchOptions) {
    const { queues } = options;
    this.#options = options;
    this.#states = new Map();
    this.#looks = new QueueLooks({
      watch: (onChange) => options.watch(onChange),
      onChange: (changed) => {
        this.#onChange(changed);
        options.onWake();
      },
      onRefused: (error) => options.onFault('watch of the queues refused: polling instead', error),
    });
    for (const queue of queues) this.#set(queue, queues.length > FEW ? 'unknown' : 'open');
    this.#looksAtMs = performance.now() + this.#safetyMs();
  }

  /**
   * The queues that may have something; answered at once where nothing is to be looked at first. A look throws what
   * `QueueWatch.arm` throws.
   */
  candidates(): ReadonlySet<string> | Promise<ReadonlySet<string>> {
    if (this.#looks.isBlind) return this.#openAll();
    const now = performance.now();
    if (now >= this.#looksAtMs) this.#doubtShut(now);
    const due = [...this.#doubtful].filter((queue) => this.#pausedUntil(queue) <= now);
    if (due.length === 0) return this.#open;
    if (this.#isWinning && due.length <= FEW) for (const queue of due) this.#openIfTold(queue);
    const unclear = due.filter((queue) => !this.#open.has(queue));
    return unclear.length === 0 ? this.#open : this.#lookFirst(unclear);
  }

  #openIfTold(queue: string): void {
    const state = this.#states.get(queue);
    if ((state !== 'told' && state !== 'blurred') || this.#misses.has(queue)) return;
    this.#set(queue, 'open');
    if (state === 'told') this.#woken.add(queue);
  }

  async #lookFirst(queues: readonly string[]): Promise<ReadonlySet<string>> {
    const told = queues.filter((queue) => this.#states.get(queue) === 'told');
    await this.#look(queues);
    for (const queue of told) {
      if (this.#open.has(queue)) this.#woken.add(queue);
      else if (this.#states.get(queue) === 'shut') this.#miss(queue);
      else this.#set(queue, 'told');
    }
    return this.#open;
  }

  /**
   * There was something, though not in `dry`. `isEmptied`: nothing was left in any candidate. Answers the pause in
   * milliseconds: 0 when there may be more.
   */
  async onWork(dry: readonly string[] = [], isEmptied = false): Promise<number> {
    this.#isWinning = true;
    if (this.#misses.size > 0 || this.#woken.size > 0) this.#forgetMisses(dry);
    // A look is one command, where a lease that finds nothing is six. It has the next change told, too; a poller would
    // leave free slots idle.
    if (isEmptied && !this.#looks.isBlind) {
      // What the own lease has changed is told with its reply: heard before the look, it is no news.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      // Leases may go on where changes are not told any more; an idle round says what is wrong.
      return this.onNothing().catch(() => 0);
    }
    // A few are asked again along with the others, which costs no time.
    if (dry.length > FEW) await this.#look(dry);
    return 0;
  }

  /** No candidate had anything. Answers the pause in milliseconds, during which a change may wake the sleeper. */
  async onNothing(): Promise<number> {
    const { pollIntervalMs } = this.#options;
    for (const queue of this.#woken) {
      this.#set(queue, 'unknown'); // a look after the pause has it told again
      this.#miss(queue, RACE_FACTOR);
    }
    this.#woken.clear();
    await this.#look([...this.#open]);
    if (this.#looks.isBlind) return pollIntervalMs * this.#jitter();
    if (this.#open.size > 0) return 0;
    const now = performance.now();
    const ends = [...this.#doubtful].map((queue) => this.#pausedUntil(queue));
    return Math.max(0, Math.min(this.#looksAtMs, ...ends) - now);
  }

  async #look(queues: readonly string[]): Promise<void> {
    const found = await this.#looks.look(queues);
    if (this.#looks.isBlind) return void this.#openAll();
    for (const queue of queues) {
      const waitMs = found.get(queue);
      if (waitMs === undefined) this.#set(queue, 'blurred');
      else this.#set(queue, waitMs === 0 ? 'open' : 'shut');
    }
  }

  #onChange(queues: readonly string[] | undefined): void {
    if (queues === undefined) this.#doubtShut(performance.now());
    for (const queue of queues ?? []) {
      if (this.#states.get(queue) !== 'shut') continue;
      this.#set(queue, 'told');
      // Else a hundred servers that know nothing of each other would all find the first task there, and lease.
      if (!this.#isWinning && !this.#misses.has(queue)) this.#miss(queue);
    }
  }

  /** What was told may have got lost, or the connection was. */
  #doubtShut(nowMs: number): void {
    this.#looksAtMs = nowMs + this.#safetyMs();
    for (const [queue, state] of this.#states) if (state === 'shut') this.#set(queue, 'unknown');
  }

  #openAll(): ReadonlySet<string> {
    if (this.#open.size < this.#states.size) {
      for (const queue of this.#states.keys()) this.#set(queue, 'open');
    }
    return this.#open;
  }

  #set(queue: string, state: State): void {
    this.#states.set(queue, state);
    if (state === 'open') this.#open.add(queue);
    else this.#open.delete(queue);
    if (state === 'open' || state === 'shut') this.#doubtful.delete(queue);
    else this.#doubtful.add(queue);
  }

  #forgetMisses(dry: readonly string[]): void {
    const isDry = new Set(dry);
    for (const queue of this.#open) {
      if (isDry.has(queue)) continue;
      this.#misses.delete(queue);
      this.#woken.delete(queue);
    }
  }

  #miss(queue: string, factor = MISS_FACTOR): void {
    this.#isWinning = false;
    const limitMs = this.#misses.get(queue)?.nextMs ?? FIRST_MISS_MS;
    this.#misses.set(queue, {
      nextMs: Math.min(limitMs * factor, LONGEST_MISS_MS),
      untilMs: performance.now() + this.#options.random() * limitMs,
    });
  }

  #pausedUntil(queue: string): number {
    return this.#misses.get(queue)?.untilMs ?? 0;
  }

  #safetyMs(): number {
    const { pollIntervalMs, queues } = this.#options;
    return Math.max(pollIntervalMs * ARMED_FACTOR, queues.length * LOOK_MS) * this.#jitter();
  }

  /** Servers that began together do not ask together: 0.5 to 1.5 times the interval, as in asynq (protocol 16.3). */
  #jitter(): number {
    return 0.5 + this.#options.random();
  }
}
