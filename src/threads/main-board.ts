import {
  BEATS,
  BEGAN_AT,
  BOARD_THREAD_CELLS,
  JOURNAL,
  PLACE_CELLS,
  RAN_FOR,
  STATE,
  STOP,
} from './messages.ts';

const MS_CYCLE = 2 ** 31;

/** Main's side of a thread's board. */
export class MainBoard {
  readonly #cells: Int32Array;
  readonly #free: number[] = [];
  /** Whose each place was last. */
  readonly #runs: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory);
    const places = Math.floor((this.#cells.length - BOARD_THREAD_CELLS) / PLACE_CELLS);
    this.#runs = new Int32Array(places);
    for (let place = places - 1; place >= 0; place -= 1) this.#free.push(place);
  }

  /**
   * Gives the run a place from which the thread may begin it, with its slot in the journal. Throws when none is free, which
   * nobody lets happen. A run that was taken back gets another place than before, if there is one: what the thread was
   * given first may lie unread, and by that it would begin this run before others that came back as well.
   */
  offer(run: number, journalSlot = -1): number {
    const place = this.#takeFree(run);
    if (place === undefined)
      throw new RangeError('a thread was given more runs than it has places');
    this.#runs[place] = run;
    const at = place * PLACE_CELLS;
    // The stop of an earlier run may stand here still, and run numbers begin again after 2^31.
    Atomics.store(this.#cells, at + STOP, 0);
    Atomics.store(this.#cells, at + BEATS, 0);
    Atomics.store(this.#cells, at + JOURNAL, journalSlot + 1);
    Atomics.store(this.#cells, at + STATE, run);
    return place;
  }

  #takeFree(run: number): number | undefined {
    const place = this.#free.pop();
    if (place === undefined || this.#runs[place] !== run) return place;
    const other = this.#free.pop();
    if (other === undefined) return place;
    this.#free.push(place);
    return other;
  }

  /** Takes a run back; `false` when the thread has begun it. */
  withdraw(place: number, run: number): boolean {
    return Atomics.compareExchange(this.#cells, place * PLACE_CELLS + STATE, run, 0) === run;
  }

  /** The place may be another run's. */
  free(place: number): void {
    Atomics.store(this.#cells, place * PLACE_CELLS + STATE, 0);
    this.#free.push(place);
  }

  /** Whether the thread has not begun it. */
  isOffered(place: number, run: number): boolean {
    return Atomics.load(this.#cells, place * PLACE_CELLS + STATE) === run;
  }

  /** Whether the run has ended as a plain success. Only for a run that was not withdrawn. */
  isDone(place: number): boolean {
    return Atomics.load(this.#cells, place * PLACE_CELLS + STATE) === 0;
  }

  /** What a plain success took, in milliseconds. */
  ranFor(place: number): number {
    return Atomics.load(this.#cells, place * PLACE_CELLS + RAN_FOR) / 1_000;
  }

  /** When a run began, in milliseconds since 1970: the last such instant whose lower bits these are. */
  beganAt(place: number, nowWallMs: number): number {
    const bits = Atomics.load(this.#cells, place * PLACE_CELLS + BEGAN_AT);
    const since = (nowWallMs % MS_CYCLE) - bits;
    // A clock that was set back a little must not look like 24 days.
    return nowWallMs - (since < -MS_CYCLE / 2 ? since + MS_CYCLE : since);
  }

  stop(place: number, run: number): void {
    Atomics.store(this.#cells, place * PLACE_CELLS + STOP, run);
  }

  /** Signs of life of the run in this place; the count wraps round. */
  beats(place: number): number {
    return Atomics.load(this.#cells, place * PLACE_CELLS + BEATS);
  }

  /** From now on the thread starts no process. */
  forbidProcesses(): void {
    Atomics.store(this.#cells, this.#cells.length - 2, 1);
  }

  /** Main has looked after all leases at this instant (threads/process-clock). */
  noteLook(atMs: number): void {
    // 0 would say that nobody does.
    Atomics.store(this.#cells, this.#cells.length - 3, Math.max(1, atMs));
  }

  isStartingProcess(): boolean {
    return Atomics.load(this.#cells, this.#cells.length - 1) === 1;
  }
}
