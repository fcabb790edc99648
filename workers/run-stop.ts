import type { TaskCanceledError } from '../src/errors.ts';
import { stopError } from '../src/policy/stop-reason.ts';
import type { StopReason } from '../src/threads/messages.ts';
import type { ThreadRun } from './thread-run.ts';

/** What the stops of all runs of a thread work with. */
export interface StopBoard {
  readonly cells: Int32Array<SharedArrayBuffer>;
  /** Index of the cell where main writes that the run in this place is to stop. */
  stopCell(place: number): number;
  /** Handles the messages on the control port, the reason of the stop among them. */
  drain(): void;
  /** Calls back in the run's asynchronous context: an abort listener that throws is the run's fault. */
  inContext(run: ThreadRun, act: () => void): void;
}

/** How long code that saw the cell waits for the reason. Main posts it before it writes the cell: it is there already. */
const REASON_LIMIT_MS = 5;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Whether and why a run is to stop. Asynchronous code hears it from a message; code that never yields sees the board's
 * cell and then fetches the message itself.
 */
export class RunStop {
  // Fields of its own, as `check` is called in the tightest loops there are.
  readonly #run: number;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #cell: number;
  readonly #owner: ThreadRun;
  readonly #board: StopBoard;
  #controller: AbortController | undefined;
  #error: TaskCanceledError | undefined;

  constructor(owner: ThreadRun, board: StopBoard) {
    const { run, place } = owner.envelope;
    this.#run = run;
    this.#cells = board.cells;
    this.#cell = board.stopCell(place);
    this.#owner = owner;
    this.#board = board;
  }

  /** The error with which the run stops; `undefined` while it may go on. Costs one atomic load. */
  check(): TaskCanceledError | undefined {
    if (this.#error !== undefined) return this.#error;
    return Atomics.load(this.#cells, this.#cell) === this.#run ? this.#fetch() : undefined;
  }

  /** Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const error = this.check();
      if (error !== undefined) this.#controller.abort(error);
    }
    return this.#controller.signal;
  }

  /** Stops the run; the first reason counts. */
  stop(reason: StopReason): void {
    if (this.#error !== undefined) return;
    const error = stopError(reason);
    this.#error = error;
    this.#board.inContext(this.#owner, () => this.#controller?.abort(error));
  }

  #fetch(): TaskCanceledError | undefined {
    for (let waitedMs = 0; waitedMs <= REASON_LIMIT_MS; waitedMs += 1) {
      this.#board.drain();
      if (this.#error !== undefined) return this.#error;
      Atomics.wait(sleepCell, 0, 0, 1);
    }
    this.stop('canceled');
    return this.#error;
  }
}
