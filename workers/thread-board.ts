import { BOARD_CELLS_PER_SLOT, BOARD_THREAD_CELLS } from '../src/threads/messages.ts';

/**
 * This thread's side of the board: says which run is in which slot, counts its signs of life, and reads which one main
 * wants stopped.
 */
export class ThreadBoard {
  readonly memory: SharedArrayBuffer;
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly #slots: number;

  constructor(slots: number) {
    const cells = slots * BOARD_CELLS_PER_SLOT + BOARD_THREAD_CELLS;
    const bytes = cells * Int32Array.BYTES_PER_ELEMENT;
    this.memory = new SharedArrayBuffer(bytes);
    this.cells = new Int32Array(this.memory);
    this.#slots = slots;
  }

  /** Writes the run into a free slot and answers the slot. Throws when none is free, which the pool never lets happen. */
  claim(run: number): number {
    for (let slot = 0; slot < this.#slots; slot += 1) {
      const cell = slot * BOARD_CELLS_PER_SLOT;
      if (Atomics.load(this.cells, cell) !== 0) continue;
      // The stop of an earlier run may stand here still, and run numbers begin again after 2^31.
      Atomics.store(this.cells, this.stopCell(slot), 0);
      Atomics.store(this.cells, cell + 2, 0);
      Atomics.store(this.cells, cell, run);
      return slot;
    }
    throw new Error(`no free slot among ${this.#slots}: more tasks in the thread than configured`);
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

  /** Frees the slot. */
  free(slot: number): void {
    Atomics.store(this.cells, slot * BOARD_CELLS_PER_SLOT, 0);
  }

  /** Counts one sign of life of the run in this slot; the count wraps round. */
  beat(slot: number): void {
    Atomics.add(this.cells, slot * BOARD_CELLS_PER_SLOT + 2, 1);
  }

  /** Index of the cell where main writes the run to stop. */
  stopCell(slot: number): number {
    return slot * BOARD_CELLS_PER_SLOT + 1;
  }
}
