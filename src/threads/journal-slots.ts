import { writeSync } from 'node:fs';
import { EMPTY_JOURNAL_RECORD, JOURNAL_RECORD_BYTES } from './journal-record.ts';

/** Says which record of the journal a run uses. The smallest free one, so that the file stays as short as it can. */
export class JournalSlots {
  readonly #fd: number;
  readonly #isTaken: boolean[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  take(): number {
    const free = this.#isTaken.indexOf(false);
    const slot = free === -1 ? this.#isTaken.length : free;
    this.#isTaken[slot] = true;
    return slot;
  }

  free(slot: number): void {
    this.#isTaken[slot] = false;
  }

  /** Clears the record of a slot whose thread has died without doing it. Throws when the file cannot be written. */
  erase(slot: number): void {
    const { length } = EMPTY_JOURNAL_RECORD;
    writeSync(this.#fd, EMPTY_JOURNAL_RECORD, 0, length, slot * JOURNAL_RECORD_BYTES);
  }
}
