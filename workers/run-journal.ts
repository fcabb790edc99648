import { writeSync } from 'node:fs';
import {
  EMPTY_JOURNAL_RECORD,
  encodeJournalRecord,
  JOURNAL_RECORD_BYTES,
} from '../src/threads/journal-record.ts';
import type { TaskEnvelope } from '../src/threads/messages.ts';

/**
 * What this thread runs, noted in the journal for the supervisor, should the process die. Written synchronously: what
 * is on its way when the process dies is not there. Costs about two microseconds a run, and nothing without a journal.
 */
export class RunJournal {
  readonly #fd: number | undefined;
  readonly #onFault: (error: unknown) => void;
  /** Slots that name a run of this thread: at most one for each task it runs at once. */
  readonly #noted = new Set<number>();
  #isFaulty = false;

  /** `onFault` is told of the first write that failed; the tasks go on. */
  constructor(fd: number | undefined, onFault: (error: unknown) => void) {
    this.#fd = fd;
    this.#onFault = onFault;
  }

  /** Notes that the run begins. */
  begin(slot: number | undefined, { queue, id }: Pick<TaskEnvelope, 'queue' | 'id'>): void {
    if (slot === undefined) return;
    this.#noted.add(slot);
    this.#write(slot, encodeJournalRecord({ queue, taskId: id }));
  }

  /** Notes that the code of the run has ended. */
  end(slot: number | undefined): void {
    if (slot !== undefined) this.#erase(slot);
  }

  /** Notes that all code of this thread has ended. */
  endAll(): void {
    for (const slot of this.#noted) this.#erase(slot);
  }

  #erase(slot: number): void {
    this.#noted.delete(slot);
    this.#write(slot, EMPTY_JOURNAL_RECORD);
  }

  #write(slot: number, record: Uint8Array): void {
    if (this.#fd === undefined) return;
    try {
      writeSync(this.#fd, record, 0, record.length, slot * JOURNAL_RECORD_BYTES);
    } catch (error) {
      if (this.#isFaulty) return;
      this.#isFaulty = true;
      this.#onFault(error);
    }
  }
}
