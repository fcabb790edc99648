/**
 * Knows what the next lease is to bring: watches how long runs take and how fast slots become free, remembers which
 * queues have more, and has the policy draw from it.
 */
import type { Clock } from '../clock.ts';
import {
  drawAhead,
  nextTypical,
  type QueueFigures,
  type Room,
  roomAhead,
} from '../policy/prefetch.ts';
import { drawQueues } from '../policy/queue-order.ts';
import type { ActiveTask, ActiveTasks, SlotObserver } from './active-tasks.ts';

/** What the planner works with. */
export interface LeasePlannerOptions {
  readonly active: Pick<ActiveTasks, 'occupied' | 'holds' | 'observe' | 'runningSince'>;
  readonly clock: Clock;
  readonly queues: ReadonlyMap<string, number>;
  readonly strictPriority: boolean;
  readonly concurrency: number;
  readonly random: () => number;
}

/** How many tasks a round may still lease. */
export interface Budget {
  /** For free slots. */
  slots: number;
  /** Ahead of them. */
  ahead: number;
}

/** What came of one call. */
export interface LeaseAnswer {
  readonly asked: number;
  readonly count: number;
  readonly bytes: number;
  readonly more: boolean;
  readonly tookMs: number;
}

interface QueueRecord {
  runMs: number | undefined;
  bytes: number;
  hasMore: boolean;
  /** Tasks of it in slots or waiting for one. */
  held: number;
  emptyUntilMs: number;
}

/**
 * So many are leased ahead in one round at most. The shortest tasks have run before Redis has written down their outcomes:
 * what is asked for all at once would keep Redis waiting while it is handed out, and the threads while it is fetched.
 */
const FULL_BATCH = 128;
/** The rate of freed slots is that of about so long. */
const RATE_OVER_MS = 10;
/** It is not measured over less than this. */
const RATE_FROM_MS = 2;
/** A run that is older than this counts as long. More than two looks at the threads' boards: it may have ended since the last. */
const LONG_RUN_MS = 90;
/**
 * A queue that was found empty is not asked again so soon for tasks to lease ahead: none would be, in most turns. The more
 * queues, the longer, so that a busy server asks about a thousand times a second at most. Milliseconds, and per queue.
 */
const EMPTY_MS = 50;
const EMPTY_MS_PER_QUEUE = 1;

/** Plans the leases of one server. */
export class LeasePlanner implements SlotObserver {
  readonly #options: LeasePlannerOptions;
  readonly #records = new Map<string, QueueRecord>();
  /** Queues that were left with pending tasks. */
  readonly #withMore = new Set<string>();
  #heldBytes = 0;
  #freed = 0;
  #rate = 0;
  #rateAtMs: number;
  #leaseMs = 0;
  #next: string | undefined;
  /** Below so many occupied slots it is time for a lease. */
  #lowWater: number;
  #onRoom: (() => void) | undefined;

  constructor(options: LeasePlannerOptions) {
    this.#options = options;
    this.#lowWater = options.concurrency;
    this.#rateAtMs = options.clock.monotonicMs();
    options.active.observe(this);
  }

  /** Slots without a task. */
  get free(): number {
    return Math.max(0, this.#options.concurrency - this.#options.active.occupied);
  }

  /** Whether a lease would bring something that has a place. */
  get isDue(): boolean {
    const { active, concurrency } = this.#options;
    if (active.occupied < concurrency) return true;
    return active.occupied < this.#lowWater && this.#mayLeaseAhead(this.#room());
  }

  /** Calls back once, as soon as a lease is due because a task has left its slot. */
  onRoom(call: () => void): void {
    this.#onRoom = call;
  }

  /** What a round may lease in all. */
  budget(): Budget {
    this.#measureRate();
    const room = this.#room();
    const ahead = this.#mayLeaseAhead(room) ? Math.min(room.tasks, FULL_BATCH) : 0;
    return { slots: this.free, ahead };
  }

  /**
   * How many to ask of which queue, 0 for a look; empty when the round is over. `candidates` are those of which this round
   * does not know that they are empty.
   */
  draw(candidates: ReadonlyMap<string, number>, budget: Budget): Map<string, number> {
    const draws = this.#drawForSlots(candidates, budget.slots);
    if (budget.ahead > 0) {
      for (const [queue, count] of this.#drawAhead(candidates, budget)) {
        draws.set(queue, (draws.get(queue) ?? 0) + count);
      }
    }
    return draws;
  }

  /** Size of a message of this queue; 0 as long as nothing is known of it. */
  typicalBytes(queue: string): number {
    return this.#record(queue).bytes;
  }

  /** To be told of each answer. */
  onAnswer(queue: string, { asked, count, bytes, more, tookMs }: LeaseAnswer): void {
    const record = this.#record(queue);
    record.hasMore = more;
    if (more) this.#withMore.add(queue);
    else this.#withMore.delete(queue);
    if (count > 0) record.bytes = nextTypical(record.bytes, bytes / count);
    this.#leaseMs = nextTypical(this.#leaseMs, tookMs);
    if (!more && (count < asked || asked === 0))
      record.emptyUntilMs = this.#now() + this.#emptyMs();
    // The look was for its turn, and nobody else is to have that.
    if (more && asked === 0) this.#next ??= queue;
  }

  /**
   * To be called after a round that leased so many: the next one is due when half of what waits has gone or there is room
   * for a full batch, or, where there was nothing or no room, when a slot is free.
   */
  roundEnded(leased: number): void {
    const { active, concurrency } = this.#options;
    if (leased === 0) {
      this.#lowWater = concurrency;
      return;
    }
    const ahead = Math.max(0, active.occupied - concurrency);
    const withBatch = ahead + this.#fitting() - FULL_BATCH + 1;
    this.#lowWater = concurrency + Math.max(Math.ceil(ahead / 2), withBatch);
  }

  /** Tasks that fit beside those that wait, if they are like those that are held. */
  #fitting(): number {
    const { occupied } = this.#options.active;
    if (occupied === 0) return 0;
    const { tasks, ms, bytes } = this.#room();
    const msEach = Math.max(this.#heldMs() / occupied, Number.MIN_VALUE); // nothing may be known of them
    const bytesEach = Math.max(this.#heldBytes / occupied, 1);
    return Math.floor(Math.min(tasks, ms / msEach, bytes / bytesEach));
  }

  /** Tasks of this queue waited for so long: its runs take longer than they did. */
  distrust(queue: string, waitedMs: number): void {
    const record = this.#record(queue);
    record.runMs = Math.max(record.runMs ?? 0, waitedMs);
  }

  onTaken(task: ActiveTask): void {
    this.#record(task.ref.queue).held += 1;
    this.#heldBytes += task.raw.byteLength;
  }

  onFreed(task: ActiveTask, runMs: number | undefined): void {
    const record = this.#record(task.ref.queue);
    record.held -= 1;
    this.#heldBytes -= task.raw.byteLength;
    this.#freed += 1;
    if (runMs !== undefined) record.runMs = nextTypical(record.runMs, runMs);
    this.onChange();
  }

  onChange(): void {
    if (this.#onRoom === undefined || this.#options.active.occupied >= this.#lowWater) return;
    const call = this.#onRoom;
    this.#onRoom = undefined;
    call();
  }

  /** Not where the next turn is that of a queue whose tasks are too long, or a slot is to stay free for something else. */
  #mayLeaseAhead({ longestMs }: Room): boolean {
    if (this.#options.active.holds > 0) return false;
    const fits = (queue: string): boolean => (this.#record(queue).runMs ?? Infinity) <= longestMs;
    if (this.#next !== undefined) return fits(this.#next);
    for (const queue of this.#withMore) if (fits(queue)) return true;
    return false;
  }

  /** The turn that was left over comes first; where that queue is empty by now, the turn is drawn again. */
  #drawForSlots(candidates: ReadonlyMap<string, number>, slots: number): Map<string, number> {
    const { strictPriority: strict, random } = this.#options;
    const next = this.#next;
    if (slots <= 0) return new Map();
    this.#next = undefined;
    if (strict || next === undefined || !candidates.has(next)) {
      return drawQueues({ queues: candidates, slots, strict, random });
    }
    const draws = drawQueues({ queues: candidates, slots: slots - 1, strict, random });
    return draws.set(next, (draws.get(next) ?? 0) + 1);
  }

  #drawAhead(candidates: ReadonlyMap<string, number>, budget: Budget): ReadonlyMap<string, number> {
    const { strictPriority: strict, random } = this.#options;
    const now = this.#now();
    const queues = new Map<string, number>();
    for (const [queue, weight] of candidates) {
      if (this.#record(queue).emptyUntilMs <= now) queues.set(queue, weight);
    }
    const room = this.#room();
    const { draws, next } = drawAhead({
      queues,
      strict,
      random,
      room: { ...room, tasks: Math.min(room.tasks, budget.ahead) },
      next: this.#next,
      figures: (queue) => this.#record(queue),
    });
    this.#next = next;
    return draws;
  }

  #room(): Room {
    const { active, concurrency } = this.#options;
    const waiting = Math.max(0, active.occupied - concurrency);
    const share = waiting === 0 ? 0 : waiting / active.occupied;
    return roomAhead({
      slots: concurrency,
      longRuns: active.runningSince(this.#options.clock.wallMs() - LONG_RUN_MS),
      waiting,
      waitingMs: share === 0 ? 0 : share * this.#heldMs(),
      waitingBytes: share * this.#heldBytes,
      rate: this.#rate,
      leaseMs: this.#leaseMs,
    });
  }

  #heldMs(): number {
    let ms = 0;
    for (const { held, runMs = 0 } of this.#records.values()) if (held > 0) ms += held * runMs;
    return ms;
  }

  #measureRate(): void {
    const now = this.#now();
    const elapsedMs = now - this.#rateAtMs;
    if (elapsedMs < RATE_FROM_MS) return;
    const weight = 1 - Math.exp(-elapsedMs / RATE_OVER_MS);
    this.#rate += (this.#freed / elapsedMs - this.#rate) * weight;
    this.#freed = 0;
    this.#rateAtMs = now;
  }

  #emptyMs(): number {
    // In strict order lower queues are leased from meanwhile.
    if (this.#options.strictPriority) return EMPTY_MS;
    return Math.max(EMPTY_MS, EMPTY_MS_PER_QUEUE * this.#options.queues.size);
  }

  #record(queue: string): QueueRecord & QueueFigures {
    let record = this.#records.get(queue);
    if (record === undefined) {
      record = { runMs: undefined, bytes: 0, hasMore: false, held: 0, emptyUntilMs: 0 };
      this.#records.set(queue, record);
    }
    return record;
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
