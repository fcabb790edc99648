/**
 * Reads what threads have written on their boards: which runs have begun, and which have ended as plain successes. A
 * thread says so by a message when it is about to run dry or has; as long as there is a run of which nobody knows whether it
 * has begun, here is looked as well now and then, and threads that have begun some are given more. So a busy server does
 * what is to be done about its runs 25 times a second, for all of its threads, and not for each run: on cores that are
 * all busy, waking the main thread costs 0.2 ms, and as much again for each call of Redis that follows.
 *
 * As long as there is any that has not begun, it also notes on all boards that main looks after the leases. After a freeze
 * of the process it does so only behind the timers that were due meanwhile, that of the fence among them: until then no
 * thread begins what lies ahead in its hands.
 */
import type { Handover } from './handover.ts';
import { MAIN_AWAY_MS } from './messages.ts';
import type { Begun, PoolListener } from './pool-listener.ts';
import { processMs, processMsBetween } from './process-clock.ts';
import type { RunRecord, ThreadRecord } from './thread-record.ts';

/** What a board watch works with. */
export interface BoardWatchOptions {
  readonly handover: Handover;
  threads(): Iterable<ThreadRecord>;
  /** Whom it tells of begun runs, and of those that have ended; `undefined`: nobody. */
  listener(): Pick<PoolListener, 'onBegun' | 'onOutcome'> | undefined;
  /** A thread has ended a run. */
  onEnded(thread: ThreadRecord): void;
}

/**
 * What has begun or ended is known so much later, where its thread says nothing. With 10 ms, tasks of 5 ms cost the main
 * thread and Redis 0.4 ms each, with 40 ms half of that; twice as much brings little more, and what a process that dies has
 * not written down is run again.
 */
const LOOK_EVERY_MS = 40;
/** Where all that has been given to threads has begun, and others wait for them. */
const NOTE_EVERY_MS = 250;

/** One per pool. */
export class BoardWatch {
  readonly #options: BoardWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  /** That of `NOTE_EVERY_MS`. */
  #isSlow = false;
  #notedAt = 0;
  /** Seen on a board, and not yet told. */
  readonly #news: News[] = [];

  constructor(options: BoardWatchOptions) {
    this.#options = options;
  }

  /** To be called before runs are given to a thread, and when some wait for one. */
  wake(): void {
    if (this.#timer !== undefined && !this.#isSlow) return;
    // There was none that had not begun, so that no freeze can have made one stale.
    if (this.#timer === undefined) this.#note();
    this.#arm(LOOK_EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * As `look`, at all threads, as main is at it anyway: what is to be done about their runs is done for all together, and the
   * next look is put off.
   */
  lookAtAll(): void {
    this.#lookAtAll();
    // Without a timer none has not begun, so that no freeze can have made one stale: what the thread waits to begin was
    // taken back, and it may drop that.
    if (this.#timer === undefined) return this.#note();
    // After a freeze it is the timer that notes main's look.
    if (this.#isSlow || this.#wasAway()) return;
    this.#note();
    this.#timer.refresh();
  }

  /** Tells what is new on the board of this thread: of its runs in their order, and of each its beginning before its end. */
  look(thread: ThreadRecord): void {
    const { handover } = this.#options;
    const seen: RunRecord[] = [];
    thread.runs.each((record) => {
      // They begin in the order in which they came: nothing behind the first one that has not begun is new.
      if (thread.board.isOffered(record.place, record.run)) return false;
      seen.push(record);
      return true;
    });
    let hasBegun = false;
    let hasEnded = false;
    for (const record of seen) {
      if (handover.get(record.run) !== record) continue;
      if (thread.board.isDone(record.place)) {
        hasEnded = true;
        this.#news.push(this.#take(record));
      } else if (!record.hasBegun) {
        hasBegun = true;
        this.#news.push(this.#begin(record));
      }
    }
    // The one before it may have ended between the looks at the two of them.
    if (hasBegun) this.wake();
    if (hasEnded) {
      this.#options.onEnded(thread);
      // Before anything else is done about the outcomes: the thread may have nothing to do.
      handover.handOn();
    }
    this.#tellNews();
  }

  /** What is told of one may have the board looked at: then all that is known by then is told there, in its order. */
  #tellNews(): void {
    for (let news = this.#news.shift(); news !== undefined; news = this.#news.shift()) {
      const { run, begun, runMs } = news;
      if (runMs !== undefined) {
        this.#options.listener()?.onOutcome(run, { kind: 'returned', runMs }, begun);
      } else if (begun !== undefined) {
        this.#options.listener()?.onBegun(run, begun.threadId, begun.atWallMs);
      }
    }
  }

  #take(record: RunRecord): News {
    const { run, thread, place } = record;
    const runMs = thread.board.ranFor(place);
    const begun = record.hasBegun ? undefined : this.#begunOf(record);
    this.#options.handover.release(record);
    this.#options.handover.noteRun(thread, runMs);
    return { run, runMs, begun };
  }

  #begin(record: RunRecord): News {
    this.#options.handover.begin(record);
    return { run: record.run, runMs: undefined, begun: this.#begunOf(record) };
  }

  #begunOf({ thread, place }: RunRecord): Begun {
    return { threadId: thread.threadId, atWallMs: thread.board.beganAt(place, Date.now()) };
  }

  #arm(everyMs: number): void {
    clearTimeout(this.#timer);
    this.#isSlow = everyMs > LOOK_EVERY_MS;
    this.#timer = setTimeout(() => this.#onTimer(), everyMs).unref();
  }

  #onTimer(): void {
    if (!this.#wasAway()) this.#note();
    // Behind all timers that are due now.
    else setImmediate(() => this.#note());
    try {
      this.#lookAtAll();
    } finally {
      this.#armAgain();
    }
  }

  #lookAtAll(): void {
    for (const thread of this.#options.threads()) {
      this.look(thread);
      this.#options.handover.relieve(thread);
    }
    this.#options.handover.handOn('some');
  }

  #armAgain(): void {
    let isAnyUnknown = false;
    for (const { runs } of this.#options.threads()) {
      for (const { hasBegun } of runs) isAnyUnknown ||= !hasBegun;
    }
    if (isAnyUnknown) this.#arm(LOOK_EVERY_MS);
    else if (this.#options.handover.hasWaiting) this.#arm(NOTE_EVERY_MS);
    else this.stop();
  }

  #wasAway(): boolean {
    return processMsBetween(this.#notedAt, processMs()) >= MAIN_AWAY_MS;
  }

  #note(): void {
    this.#notedAt = processMs();
    for (const { board } of this.#options.threads()) board.noteLook(this.#notedAt);
  }
}

/** A run that has begun, or ended as a plain success; `begun` where that was not told before. */
interface News {
  readonly run: number;
  readonly runMs: number | undefined;
  readonly begun: Begun | undefined;
}
