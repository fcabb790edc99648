/**
 * Brings runs to threads: they wait in a line until a thread has room, and come back to its head when the thread did not
 * begin them. Knows of each run in the hands of a thread.
 *
 * What comes in one turn of the loop goes over the border in one message per thread, and short runs are given ahead
 * (policy/hand-ahead), so that a thread never waits for the next one.
 */
import { toError } from '../errors.ts';
import {
  estimateAfterTrouble,
  nextEstimate,
  runsAhead,
  runsToShare,
  isOverdue,
  type RunEstimate,
} from '../policy/hand-ahead.ts';
import { JournalSlots } from './journal-slots.ts';
import type { TaskEnvelope } from './messages.ts';
import { canGoElsewhere, leastBusy, mostUnbegun } from './pick-thread.ts';
import { RunTable } from './run-table.ts';
import { inParts, isTransferred, packBatch, type PlacedTask } from './task-batch.ts';
import type { Begun, ThreadCrew } from './thread-crew.ts';
import type { RunRecord, ThreadRecord } from './thread-record.ts';
import { afterReturn, WaitingLine, type WaitingRun } from './waiting-line.ts';

/** What the handover works with. */
export interface HandoverOptions {
  readonly crew: Pick<ThreadCrew, 'busy' | 'hungry' | 'isUp'>;
  readonly tasksPerThread: number;
  readonly tasksPerMessage: number | undefined;
  readonly journalFd: number | undefined;
  /** Runs are about to be given to a thread, or wait in the line. */
  onUnbegun(): void;
  /** The envelope of this run cannot be sent to any thread. */
  onUnsent(run: number, error: Error): void;
  onFault(where: string, error: unknown): void;
}

/** A run on its way to a thread. */
interface Placed extends PlacedTask {
  readonly record: RunRecord;
  readonly waiting: WaitingRun;
}

/** One per pool. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #line = new WaitingLine();
  readonly #runs = new RunTable<RunRecord>();
  readonly #journal: JournalSlots | undefined;
  #estimate: RunEstimate;
  #isDue = false;

  constructor(options: HandoverOptions) {
    this.#options = options;
    const { journalFd } = options;
    this.#journal = journalFd === undefined ? undefined : new JournalSlots(journalFd);
  }

  /** Whether any run waits for a thread with room. */
  get hasWaiting(): boolean {
    return this.#line.size > 0;
  }

  /** Runs in the line: no thread has been given them. */
  waiting(): number[] {
    this.handOn();
    return this.#line.runs();
  }

  /** Takes a run out of the line, or back from a thread that has not begun it; `false` when it is at neither. */
  withdraw(run: number): boolean {
    if (this.#line.delete(run)) return true;
    const record = this.#runs.get(run);
    if (record === undefined || !record.thread.board.withdraw(record.place, run)) return false;
    this.release(record);
    this.#handOnSoon();
    return true;
  }

  /** Empties the line. */
  withdrawAll(): void {
    this.#line.clear();
  }

  /** The run in the hands of a thread. */
  get(run: number): RunRecord | undefined {
    return this.#runs.get(run);
  }

  /** To the end of the line, and on to a thread at the end of this turn when one has room. */
  add(envelope: TaskEnvelope): void {
    this.#line.push({ envelope, returns: 0 });
    this.#handOnSoon();
  }

  /** Gives what waits to threads that have begun half, or some, of what they had; if nothing waits, an idle one gets another's. */
  handOn(begun: Begun = 'half'): void {
    do {
      for (let loads = this.#load(begun); loads.size > 0; loads = this.#load(begun)) {
        this.#options.onUnbegun();
        for (const [thread, load] of loads) {
          for (const part of inParts(load, this.#options.tasksPerMessage)) this.#send(thread, part);
        }
      }
      if (this.#line.size > 0) this.#options.onUnbegun();
    } while (this.#takeForIdle());
  }

  /** No other thread will be given it. */
  begin(record: RunRecord): void {
    record.hasBegun = true;
    record.waiting = undefined;
    record.thread.progressedAt = performance.now();
  }

  /** A run has ended by itself. */
  noteRun(thread: ThreadRecord, runMs: number): void {
    this.#estimate = nextEstimate(this.#estimate, runMs);
    thread.runsDone += 1;
    thread.progressedAt = performance.now();
    thread.isOverdue = false;
  }

  /** A run has ended its thread. */
  noteTrouble(): void {
    this.#estimate = estimateAfterTrouble();
  }

  /**
   * Its outcome is known. `codeMayRun`: its handler may go on, and clears its record in the journal when it ends, so that
   * no other run may have it before the thread is gone.
   */
  release(record: RunRecord, codeMayRun = false): void {
    const { run, thread, place, journalSlot } = record;
    if (!thread.runs.delete(record)) return;
    thread.board.free(place);
    if (codeMayRun) thread.unfinished.push(record);
    else if (journalSlot !== undefined) this.#journal?.free(journalSlot);
    if (this.#runs.get(run) === record) this.#runs.delete(run);
  }

  /** From now on nobody asks for this run; its thread is on it still. */
  forget(run: number): void {
    this.#runs.delete(run);
  }

  /**
   * Takes back what the thread has not begun, in its order. A run whose payload has moved to the thread stays there, unless
   * the thread will begin none any more. Answers those that cannot go to another thread.
   */
  takeBack(thread: ThreadRecord, beginsNone: boolean): RunRecord[] {
    const unbegun = [...thread.runs].filter(
      (record) => (beginsNone && !record.hasBegun) || canGoElsewhere(record),
    );
    return this.putBack(this.#withdrawn(unbegun), false);
  }

  /** Of a thread that is on a long run, what it has not begun goes to the others. */
  relieve(thread: ThreadRecord): void {
    const hasUnbegun = thread.runs.size > this.#options.tasksPerThread;
    if (!hasUnbegun || !isOverdue(this.#estimate, performance.now() - thread.progressedAt)) return;
    thread.isOverdue = true;
    this.takeBack(thread, false);
    this.#handOnSoon();
  }

  /** Releases all runs of a thread that has ended, in the order of their hand-over; answers those not forgotten. */
  releaseAll(thread: ThreadRecord): RunRecord[] {
    const records = [...thread.runs];
    const known = records.filter((record) => this.#runs.get(record.run) === record);
    for (const record of records) {
      this.#erase(record);
      this.release(record);
    }
    for (const record of thread.unfinished.splice(0)) {
      this.#erase(record);
      if (record.journalSlot !== undefined) this.#journal?.free(record.journalSlot);
    }
    return known;
  }

  /**
   * Released runs that no thread has begun go back to the head of the line. Answers those that cannot: their payload
   * has gone with the thread, or they have been back often enough. Returns count only where they may be the cause.
   */
  putBack(records: readonly RunRecord[], counts: boolean): RunRecord[] {
    const lost: RunRecord[] = [];
    const back: WaitingRun[] = [];
    for (const record of records) {
      const returned = afterReturn(record.waiting, counts);
      if (returned === undefined) lost.push(record);
      else back.push(returned);
    }
    this.#line.putBack(back);
    return lost;
  }

  #handOnSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.#options.crew.isUp) this.handOn();
    });
  }

  /** Takes from the line what threads have room for. */
  #load(begun: Begun): Map<ThreadRecord, Placed[]> {
    const { crew, tasksPerThread } = this.#options;
    const loads = new Map<ThreadRecord, Placed[]>();
    const ahead = runsAhead(this.#estimate, tasksPerThread);
    const hungry = crew.hungry(ahead, begun);
    for (let next = this.#line.head(); next !== undefined; next = this.#line.head()) {
      // A payload that moves to the thread cannot come back: it goes only where it begins at once.
      const room = isTransferred(next.envelope) ? 0 : ahead;
      const thread = leastBusy(hungry, { tasksPerThread, ahead: room });
      if (thread === undefined) break;
      this.#line.delete(next.envelope.run);
      const load = loads.get(thread) ?? [];
      load.push(this.#place(thread, next));
      loads.set(thread, load);
    }
    return loads;
  }

  /** For a thread that has nothing while another one has much ahead: the last half of that. `false`: there is none. */
  #takeForIdle(): boolean {
    const { crew, tasksPerThread } = this.#options;
    if (this.#line.size > 0 || !crew.hungry(0, 'half').some(({ runs }) => runs.size === 0))
      return false;
    const unbegun = mostUnbegun(crew.busy());
    const share = runsToShare(this.#estimate, unbegun.length, tasksPerThread);
    const taken = this.#withdrawn(unbegun.slice(unbegun.length - share));
    this.putBack(taken, false);
    return taken.length > 0;
  }

  /** Those that their thread has not begun; they are released. The last one first: it may be coming to the first of them. */
  #withdrawn(records: readonly RunRecord[]): RunRecord[] {
    const unbegun = records
      .toReversed()
      .filter(({ thread, place, run }) => thread.board.withdraw(place, run))
      .toReversed();
    for (const record of unbegun) this.release(record);
    return unbegun;
  }

  #place(thread: ThreadRecord, waiting: WaitingRun): Placed {
    const { run } = waiting.envelope;
    const journalSlot = this.#journal?.take();
    const place = thread.board.offer(run, journalSlot);
    const record: RunRecord = {
      run,
      thread,
      place,
      journalSlot,
      waiting: isTransferred(waiting.envelope) ? undefined : waiting,
      hasBegun: false,
    };
    this.#runs.set(record);
    if (thread.runs.size === 0) thread.progressedAt = performance.now();
    thread.runs.add(record);
    return { record, waiting, envelope: waiting.envelope, place };
  }

  #send(thread: ThreadRecord, load: readonly Placed[]): void {
    try {
      const { batch, transferList } = packBatch(load);
      thread.tell({ kind: 'tasks', batch }, transferList);
    } catch (error) {
      this.#onUnsent(thread, load, toError(error));
    }
  }

  /** One of them cannot be sent: each goes by itself, so that only that one fails. */
  #onUnsent(thread: ThreadRecord, load: readonly Placed[], error: Error): void {
    const known = load.filter(({ record }) => this.#runs.get(record.run) === record);
    const [first] = load;
    if (load.length === 1 && first !== undefined) {
      if (known.length === 0) return;
      this.release(first.record);
      this.#options.onUnsent(first.record.run, error);
      return this.#handOnSoon();
    }
    for (const placed of known) this.#send(thread, [placed]);
  }

  /** The thread can no longer say in the journal that it does not run this any more. */
  #erase({ journalSlot }: RunRecord): void {
    if (journalSlot === undefined) return;
    try {
      this.#journal?.erase(journalSlot);
    } catch (error) {
      this.#options.onFault('journal', error);
    }
  }
}
