/** The journal of one child: a file without a name, open in both processes, which the kernel keeps when one dies. */
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toError } from '../errors.ts';
import { JOURNAL_RECORD_BYTES, readJournal } from '../threads/journal-record.ts';

/** An open journal. */
export interface Journal {
  /** To be inherited by the child. */
  readonly fd: number;
  /** The tasks that threads were running, by `journalKey`. */
  read(): Set<string>;
  close(): void;
}

/** Room for so many tasks at once; a journal of more grows. */
const RESERVED_RECORDS = 256;

/** Beside the usual place one that is there in containers whose file system is read-only. */
const PLACES: readonly string[] = [tmpdir(), '/dev/shm'];

/** Makes a journal. Its name is removed at once, so that nothing is left behind even when everything is killed. */
export function openJournal(places: readonly string[] = PLACES): Journal {
  const fd = openNameless(places);
  // Taken at once: a thread that finds the disk full later could not say what it runs.
  writeSync(fd, Buffer.alloc(RESERVED_RECORDS * JOURNAL_RECORD_BYTES));
  return {
    fd,
    read: () => readJournal(contentOf(fd)),
    close: () => closeSync(fd),
  };
}

function openNameless(places: readonly string[]): number {
  let failure = new Error('there is no place for a journal');
  for (const place of places) {
    try {
      const folder = mkdtempSync(join(place, 'threadmill-journal-'));
      try {
        return openSync(join(folder, 'journal'), 'wx+', 0o600);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    } catch (error) {
      failure = toError(error);
    }
  }
  throw failure;
}

/** Read by position: both processes share one file offset. */
function contentOf(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
}
