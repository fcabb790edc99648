/**
 * The journal: a file, inherited by a child process and all its threads, in which each thread notes what it runs. The
 * kernel keeps what was written when the process dies by SIGKILL or by V8's abort, so that the supervisor knows exactly
 * which tasks had begun. One record of fixed size per task slot; writing one costs about a microsecond.
 *
 *     record: length (2 bytes, little endian; 0 = nothing runs here), then that many bytes of UTF-8: queue, NUL, task ID
 */

/** Bytes of one record: room for long names. */
export const JOURNAL_RECORD_BYTES = 1_024;

/** What stands in a record. */
export interface JournalEntry {
  readonly queue: string;
  readonly taskId: string;
}

/** The text by which an entry is compared; longer ones are cut alike on both sides. */
export function journalKey({ queue, taskId }: JournalEntry): string {
  const bytes = Buffer.from(`${queue}\0${taskId}`);
  return bytes.subarray(0, JOURNAL_RECORD_BYTES - 2).toString('latin1');
}

/** The record of a slot on which this task runs. */
export function encodeJournalRecord(entry: JournalEntry): Buffer {
  const key = Buffer.from(journalKey(entry), 'latin1');
  const record = Buffer.alloc(2 + key.length);
  record.writeUInt16LE(key.length, 0);
  key.copy(record, 2);
  return record;
}

/** The record of a slot on which nothing runs. */
export const EMPTY_JOURNAL_RECORD: Uint8Array = new Uint8Array(2);

/** The keys (`journalKey`) of all tasks that a journal names. */
export function readJournal(bytes: Buffer): Set<string> {
  const keys = new Set<string>();
  for (let at = 0; at + 2 <= bytes.length; at += JOURNAL_RECORD_BYTES) {
    const length = bytes.readUInt16LE(at);
    if (length > 0) keys.add(bytes.toString('latin1', at + 2, at + 2 + length));
  }
  return keys;
}
