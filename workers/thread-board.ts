import {
  BEATS,
  BEGAN_AT,
  BOARD_THREAD_CELLS,
  JOURNAL,
  MAIN_AWAY_MS,
  PLACE_CELLS,
  placesFor,
  RAN_FOR,
  STATE,
  STOP,
} from '../src/threads/messages.ts';
import { processMs, processMsBetween } from '../src/threads/process-clock.ts';

/** Longest plain success that fits its cell, in milliseconds; a longer one says so by a message. */
const LONGEST_RUN_MS = 2_000_000;
const LOWER_31_BITS = 2 ** 31;

/** This thread's side of the board: takes the runs that main has put there, and says how far they are. */
export class ThreadBoard {
  readonly memory: SharedArrayBuffer;
  readonly cells: Int32Array<SharedArrayBuffer>;

  constructor(tasksPerThread: number) {
    const cells = placesFor(tasksPerThread) * PLACE_CELLS + BOARD_THREAD_CELLS;
    this.memory = new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT);
    this.cells = new Int32Array(this.memory);
  }

  /** Begins the run; `false`: main has taken it back. */
  begin(place: number, run: number): boolean {
    const at = place * PLACE_CELLS;
    // Before the state: main reads it when it sees that the run has begun. It is this thread's to write as long as the
    // place is the run's, and nobody reads it when the run was withdrawn.
    if (Atomics.load(this.cells, at + STATE) !== run) return false;
    Atomics.store(this.cells, at + BEGAN_AT, Date.now() % LOWER_31_BITS);
    return Atomics.compareExchange(this.cells, at + STATE, run, -run) === run;
  }

  /** Where the run that has begun in this place is noted in the journal; `undefined`: nowhere. */
  journalSlot(place: number): number | undefined {
    const cell = Atomics.load(this.cells, place * PLACE_CELLS + JOURNAL);
    return cell === 0 ? undefined : cell - 1;
  }

  /** Whether main has looked after the leases just now, so that what it has handed over may begin. */
  isMainHere(): boolean {
    const lookedAt = Atomics.load(this.cells, this.cells.length - 3);
    return lookedAt === 0 || processMsBetween(lookedAt, processMs()) < MAIN_AWAY_MS;
  }

  /** The run has returned nothing and said nothing. `false`: it took too long to be said here. */
  succeed(place: number, runMs: number): boolean {
    if (runMs > LONGEST_RUN_MS) return false;
    const at = place * PLACE_CELLS;
    Atomics.store(this.cells, at + RAN_FOR, Math.round(runMs * 1_000));
    Atomics.store(this.cells, at + STATE, 0);
    return true;
  }

  /** Runs what starts a process and tells of it. Throws when the thread is about to be terminated. */
  startProcess<T>(start: () => T): T {
    const spawning = this.cells.length - 1;
    Atomics.store(this.cells, spawning, 1);
    try {
      if (Atomics.load(this.cells, spawning - 1) === 1) {
        throw new Error('no process is started: the thread is being ended');
      }
      return start();
    } finally {
      Atomics.store(this.cells, spawning, 0);
    }
  }

  /** Counts one sign of life of the run in this place; the count wraps round. */
  beat(place: number): void {
    Atomics.add(this.cells, place * PLACE_CELLS + BEATS, 1);
  }

  /** Index of the cell where main writes the run to stop. */
  stopCell(place: number): number {
    return place * PLACE_CELLS + STOP;
  }
}
