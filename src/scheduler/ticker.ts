/**
 * The loop of a scheduler. Every two seconds it claims the lead of its entries, which also tells it what time it is by
 * Redis's clock; it enqueues the due ticks of those it leads, and shows these to the fleet's tools. Between claims it
 * sleeps until the next tick, two seconds at most, so that a clock that jumps or a machine that slept costs no more.
 *
 * A lead is one entry's, not the scheduler's: of schedulers with different entries each leads what only it has. It stops
 * enqueuing so long before its lead ends that a call on its way is over by then. What a leader does all the same, since it
 * was frozen between the look and the call, is refused in Redis (see tick-enqueuer).
 */
import type { Broker, ScheduleClaim } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { Enqueuer } from '../enqueuer.ts';
import type { CheckedEntry } from '../policy/schedule-entry.ts';
import { EntryState } from './entry-state.ts';
import type { SchedulerEmitter } from './events.ts';
import { ScheduleList } from './schedule-list.ts';
import { TickEnqueuer } from './tick-enqueuer.ts';

/** What the loop works with. */
export interface TickerOptions {
  readonly broker: Pick<Broker, 'lead' | 'listSchedule' | 'unlistSchedule' | 'noteEnqueue'>;
  readonly enqueuer: Pick<Enqueuer, 'enqueueAs'>;
  readonly emitter: SchedulerEmitter;
  readonly clock: Clock;
  /** `host:pid:uuid`. */
  readonly scheduler: string;
  /** How long a leader that died is waited for. A fifth of it lies between two claims. */
  readonly leadMs: number;
}

/** A leader that could not renew its lead enqueues nothing in the last part of it: longer than a call may take. */
const LEAD_MARGIN = 0.4;
/** After a claim or a tick that failed. */
const RETRY_MS = 500;
/** Entries whose ticks are enqueued at once. */
const MAX_AT_ONCE = 20;

/** Claims, enqueues, shows. */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #ticks: TickEnqueuer;
  readonly #list: ScheduleList;
  #states = new Map<string, EntryState>();
  #dropped: EntryState[] = [];
  /** Redis's clock is ahead of our monotonic one by so much, or a little more. */
  #clockOffsetMs: number | undefined;
  #nextClaimMonotonicMs = 0;
  #retryMonotonicMs = 0;
  #isUp = true;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isWoken = false;
  #isStopped = true;

  constructor(options: TickerOptions) {
    const { broker, enqueuer, emitter, scheduler } = options;
    this.#options = options;
    this.#ticks = new TickEnqueuer({ broker, enqueuer, emitter, now: () => this.#nowMs() });
    this.#list = new ScheduleList({ broker, emitter, scheduler });
  }

  /** Replaces the entries. One that stays as it was keeps its place; one that changed under its ID goes on from there. */
  setEntries(entries: readonly CheckedEntry[]): void {
    const before = this.#states;
    const kept = new Set(entries.map(({ id }) => id));
    this.#states = new Map(
      entries.map((entry) => {
        const old = before.get(entry.id);
        return [entry.id, old?.entry === entry ? old : new EntryState(entry, old)];
      }),
    );
    this.#dropped.push(...[...before.values()].filter(({ entry }) => !kept.has(entry.id)));
    this.#nextClaimMonotonicMs = 0;
    this.#wake();
  }

  /** The entries as they stand. */
  get states(): readonly EntryState[] {
    return [...this.#states.values()];
  }

  isLed(state: EntryState): boolean {
    return state.isLedAt(this.#options.clock.monotonicMs());
  }

  /** Begins, with one pass; rejects when Redis cannot be asked. */
  async start(): Promise<void> {
    this.#isStopped = false;
    await this.#claim();
    this.#wake();
  }

  /** Waits for what is on its way, then gives the lead back, so that another takes over at once. Never rejects. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
    try {
      await Promise.all([this.#giveBack(this.states), this.#list.clear()]);
    } catch (error) {
      this.#options.emitter.fault('end of a scheduler', error);
    }
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs() + (this.#clockOffsetMs ?? 0);
  }

  #wake(): void {
    if (this.#isStopped) return;
    this.#isWoken = true;
    if (this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#isRunning = true;
    this.#pass = this.#run();
  }

  async #run(): Promise<void> {
    while (this.#isWoken && !this.#isStopped) {
      this.#isWoken = false;
      try {
        await this.#runOnce();
      } catch (error) {
        this.#options.emitter.fault('scheduler', error);
      }
    }
    this.#isRunning = false;
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#wake(), this.#sleepMs());
  }

  async #runOnce(): Promise<void> {
    if (this.#options.clock.monotonicMs() >= this.#nextClaimMonotonicMs) await this.#tryClaim();
    if (this.#clockOffsetMs === undefined) return;
    await this.#enqueueDue();
    await this.#list.show(this.states.filter((state) => this.isLed(state)));
  }

  /** Milliseconds until there is something to do. */
  #sleepMs(): number {
    const monotonicMs = this.#options.clock.monotonicMs();
    const dues = this.states.filter((state) => this.isLed(state)).map(({ dueMs }) => dueMs);
    const untilDue =
      dues.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - this.#nowMs();
    const untilRetry = this.#retryMonotonicMs - monotonicMs;
    const untilClaim = this.#nextClaimMonotonicMs - monotonicMs;
    return Math.ceil(Math.max(0, Math.min(untilClaim, Math.max(untilDue, untilRetry))));
  }

  /** Told once while it lasts. */
  async #tryClaim(): Promise<void> {
    try {
      await this.#claim();
      this.#isUp = true;
    } catch (error) {
      if (this.#isUp) this.#options.emitter.fault('claim of the schedule', error);
      this.#isUp = false;
      this.#nextClaimMonotonicMs = this.#options.clock.monotonicMs() + RETRY_MS;
    }
  }

  async #claim(): Promise<void> {
    const { broker, clock, scheduler, leadMs } = this.#options;
    const { states } = this;
    const sentAt = clock.monotonicMs();
    this.#nextClaimMonotonicMs = sentAt + leadMs / 5;
    const claims = this.#claimsOf(states);
    const { now, entries } = await broker.lead({ scheduler, leaseMs: leadMs, claims });
    this.#clockOffsetMs = now - clock.monotonicMs(); // as if the reply took no time: never ahead of Redis
    const gone = new Set<string>();
    entries.forEach((answer, i) => {
      states[i]?.learn(answer, now, sentAt + leadMs * (1 - LEAD_MARGIN));
      if (answer.takenFrom !== undefined) gone.add(answer.takenFrom);
    });
    // What a dead leader still shows would stand in the tools beside our own for a while.
    await Promise.all([...gone].map((address) => broker.unlistSchedule(address)));
    await this.#giveBack(this.#dropped.splice(0));
  }

  async #giveBack(states: readonly EntryState[]): Promise<void> {
    if (states.length === 0) return;
    const { broker, scheduler } = this.#options;
    await broker.lead({ scheduler, leaseMs: 0, claims: this.#claimsOf(states) });
  }

  #claimsOf(states: readonly EntryState[]): ScheduleClaim[] {
    const nowMs = this.#nowMs();
    return states.map((state) => state.claim(nowMs, this.isLed(state)));
  }

  /** A few entries at once, the ticks of each one after the other. */
  async #enqueueDue(): Promise<void> {
    const nowMs = this.#nowMs();
    const due = this.states.filter((state) => state.dueMs <= nowMs && this.isLed(state));
    const next = due.values();
    const work = async (): Promise<void> => {
      for (const state of next) {
        if (!(await this.#enqueueTicks(state))) {
          this.#retryMonotonicMs = this.#options.clock.monotonicMs() + RETRY_MS;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, due.length) }, work));
  }

  /** `false` when something is left that failed or may no longer be done. */
  async #enqueueTicks(state: EntryState): Promise<boolean> {
    const plan = state.plan(this.#nowMs());
    const { missed } = plan;
    if (missed !== undefined && state.isNewlyMissed(missed.last)) {
      const lastTick = new Date(missed.last);
      this.#options.emitter.emit('missed', { entry: state.ref, lastTick, enqueued: missed.kept });
    }
    for (const tick of plan.due) {
      if (this.#isStopped || !this.isLed(state)) return false;
      const outcome = await this.#ticks.enqueue(state, tick);
      if (outcome === 'later') return false;
      state.ticked(tick, outcome === 'enqueued');
    }
    state.finish(plan);
    return true;
  }
}
