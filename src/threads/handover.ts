/**
 * Brings runs to threads: they wait in a line until a thread has room, and come back to its head when the thread did not
 * begin them. Knows of each run in the hands of a thread.
 */
import { JournalSlots } from './journal-slots.ts';
import type { TaskEnvelope } from './messages.ts';
import type { ThreadCrew } from './thread-crew.ts';
import type { RunRecord, ThreadRecord } from './thread-record.ts';
import { WaitingLine, type WaitingRun } from './waiting-line.ts';

/** What the handover works with. */
export interface HandoverOptions {
  readonly crew: Pick<ThreadCrew, 'give' | 'leastBusy'>;
  readonly journalFd: number | undefined;
  /** The envelope of this run cannot be sent to any thread. */
  onUnsent(run: number, error: Error): void;
  onFault(where: string, error: unknown): void;
}

/** Payloads from this size on are transferred, not cloned: below it a copy is cheaper than the bookkeeping. */
const TRANSFER_FROM_BYTES = 65_536;

/** How often a run that no thread has begun goes to another one; then its caller is told. */
const MAX_RETURNS = 3;

/** One per pool. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #line = new WaitingLine();
  readonly #runs = new Map<number, RunRecord>();
  readonly #journal: JournalSlots | undefined;

  constructor(options: HandoverOptions) {
    this.#options = options;
    const { journalFd } = options;
    this.#journal = journalFd === undefined ? undefined : new JournalSlots(journalFd);
  }

  /** Runs in the line. */
  waiting(): number[] {
    return this.#line.runs();
  }

  /** Takes a run out of the line; `false` when it is not there. */
  withdraw(run: number): boolean {
    return this.#line.delete(run);
  }

  /** Empties the line. */
  withdrawAll(): void {
    this.#line.clear();
  }

  /** The run in the hands of a thread. */
  get(run: number): RunRecord | undefined {
    return this.#runs.get(run);
  }

  /** To the end of the line, and on to a thread when one has room. */
  add(envelope: TaskEnvelope): void {
    this.#line.push({ envelope, returns: 0 });
    this.handOn();
  }

  /** Gives what waits to the threads that have room. */
  handOn(): void {
    while (this.#line.size > 0) {
      const thread = this.#options.crew.leastBusy();
      if (thread === undefined) return;
      const waiting = this.#line.shift();
      if (waiting === undefined || this.#give(thread, waiting)) continue;
      thread.isCondemned = true;
      this.#line.putBack([waiting]);
    }
  }

  /** Its thread has begun it: no other one will be given it. */
  begin(record: RunRecord): void {
    record.hasBegun = true;
    record.waiting = undefined;
    record.thread.begunCount += 1;
  }

  /**
   * Its outcome is known. `codeMayRun`: its handler may go on, and clears its record in the journal when it ends, so that
   * no other run may have it before the thread is gone.
   */
  release(record: RunRecord, codeMayRun = false): void {
    const { run, thread, journalSlot, hasBegun } = record;
    thread.runs.delete(record);
    if (hasBegun) thread.begunCount -= 1;
    if (codeMayRun) thread.unfinished.push(record);
    else if (journalSlot !== undefined) this.#journal?.free(journalSlot);
    if (this.#runs.get(run) === record) this.#runs.delete(run);
  }

  /** From now on nobody asks for this run; its thread is on it still. */
  forget(run: number): void {
    this.#runs.delete(run);
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
   * has gone with the thread, or they have been back often enough.
   */
  putBack(records: readonly RunRecord[]): RunRecord[] {
    const lost: RunRecord[] = [];
    const returned: WaitingRun[] = [];
    for (const record of records) {
      const { waiting } = record;
      if (waiting === undefined || waiting.returns >= MAX_RETURNS) lost.push(record);
      else returned.push({ envelope: waiting.envelope, returns: waiting.returns + 1 });
    }
    this.#line.putBack(returned);
    return lost;
  }

  #give(thread: ThreadRecord, waiting: WaitingRun): boolean {
    const { envelope } = waiting;
    const transferList = transferListOf(envelope);
    const record: RunRecord = {
      run: envelope.run,
      thread,
      journalSlot: this.#journal?.take(),
      waiting: transferList.length > 0 ? undefined : waiting,
      hasBegun: false,
    };
    this.#runs.set(record.run, record);
    thread.runs.add(record);
    const parcel = { envelope: withSlot(envelope, record), transferList };
    const isGiven = this.#options.crew.give(thread, parcel, (error) => {
      if (this.#runs.get(record.run) !== record) return;
      this.release(record);
      this.#options.onUnsent(record.run, error);
      this.handOn();
    });
    if (!isGiven) this.release(record);
    return isGiven;
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

function withSlot(envelope: TaskEnvelope, { journalSlot }: RunRecord): TaskEnvelope {
  return journalSlot === undefined ? envelope : { ...envelope, journalSlot };
}

function transferListOf({ payload: { buffer, byteLength } }: TaskEnvelope): ArrayBuffer[] {
  return byteLength >= TRANSFER_FROM_BYTES && buffer instanceof ArrayBuffer ? [buffer] : [];
}
