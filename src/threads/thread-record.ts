import { setTimeout as delay } from 'node:timers/promises';
import { receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { ChildProcesses } from './child-processes.ts';
import { BOARD_CELLS_PER_SLOT, BOARD_THREAD_CELLS } from './messages.ts';
import type { FromThread, StopReason, ThreadHello, ToThread } from './messages.ts';
import type { Doom } from './pool-listener.ts';
import type { WaitingRun } from './waiting-line.ts';

/** What the start of a process may take. */
const SPAWN_MS = 250;

/** A run in the hands of a thread, from the hand-over to its end. */
export interface RunRecord {
  readonly run: number;
  readonly thread: ThreadRecord;
  readonly journalSlot: number | undefined;
  /** What another thread would be given. Kept until the run has begun; absent when the payload moved to the thread. */
  waiting: WaitingRun | undefined;
  /** By what the thread said; its board may know more. */
  hasBegun: boolean;
}

/** What a recycler needs to know of a thread. */
export interface ThreadInfo {
  readonly threadId: number;
  /** Milliseconds since it said hello. */
  readonly ageMs: number;
  /** Runs whose outcome it has told. */
  readonly runsDone: number;
  /** Whether a run has begun on it. */
  readonly isBusy: boolean;
}

/**
 * A thread as the pool sees it, from its hello to its exit.
 *
 *     booting -> usable -> condemned -> gone
 *
 * Usable from the moment Piscina, too, counts on it. A condemned thread gets nothing more: it is about to end by itself,
 * or is being ended.
 */
export class ThreadRecord {
  readonly threadId: number;
  readonly worker: Worker;
  /** Handed over and without an end, in the order of the hand-over. */
  readonly runs: Set<RunRecord> = new Set();
  readonly processes: ChildProcesses = new ChildProcesses();
  /** Runs whose outcome is known while their code may still run. */
  readonly unfinished: RunRecord[] = [];
  /** Resolves when its code has ended. */
  readonly exited: Promise<void>;
  begunCount = 0;
  runsDone = 0;
  isUsable = false;
  isCondemned = false;
  /** It is to be ended when its runs have. */
  isRetiring = false;
  wasTerminated = false;
  doom: Doom | undefined;
  /** What it died of, where Node names it. */
  error: Error | undefined;
  /** Under way when it is being terminated. */
  ending: Promise<void> | undefined;
  readonly #port: MessagePort;
  readonly #board: Int32Array;
  readonly #helloAt = performance.now();

  constructor(hello: ThreadHello, worker: Worker) {
    this.threadId = hello.threadId;
    this.worker = worker;
    this.#port = hello.port;
    this.#board = new Int32Array(hello.board);
    worker.setMaxListeners(0); // each call of terminate() listens for the exit
    this.exited = new Promise((resolve) => {
      worker.once('exit', () => resolve());
    });
  }

  /** Every message that the thread posts from now on; `drain` brings them too. */
  listen(hear: (said: FromThread) => void): void {
    this.#port.on('message', hear);
  }

  /** Brings what the thread has posted and nobody has read. */
  drain(hear: (said: FromThread) => void): void {
    for (;;) {
      const entry = receiveMessageOnPort(this.#port);
      if (entry === undefined) return;
      hear(entry.message as FromThread);
    }
  }

  tell(message: ToThread): void {
    this.#port.postMessage(message);
  }

  /** Tells a run to stop. */
  stop(run: number, reason: StopReason): void {
    // The message first: code that sees the cell looks for the reason on the port at once.
    this.tell({ kind: 'stop', run, reason });
    const cell = this.#cellOf(run);
    if (cell !== undefined) Atomics.store(this.#board, cell + 1, run);
  }

  /**
   * From now on it starts no process; one that it is starting is waited for, or nobody would know its number when the
   * thread is terminated meanwhile.
   */
  async forbidProcesses(): Promise<void> {
    const spawning = this.#board.length - 1;
    Atomics.store(this.#board, spawning - 1, 1);
    const until = performance.now() + SPAWN_MS;
    while (Atomics.load(this.#board, spawning) === 1 && performance.now() < until) await delay(1);
  }

  /** The run's signs of life; `undefined` when it is not on the board. */
  beats(run: number): number | undefined {
    const cell = this.#cellOf(run);
    return cell === undefined ? undefined : Atomics.load(this.#board, cell + 2);
  }

  /** The runs that have begun, by what the thread said and by its board: it may have had no time to say it. */
  begunRuns(): Set<number> {
    const begun = [...this.runs].filter(
      ({ run, hasBegun }) => hasBegun || this.#cellOf(run) !== undefined,
    );
    return new Set(begun.map(({ run }) => run));
  }

  info(): ThreadInfo {
    const { threadId, runsDone } = this;
    const ageMs = performance.now() - this.#helloAt;
    return { threadId, ageMs, runsDone, isBusy: this.begunCount > 0 };
  }

  close(): void {
    this.#port.close();
  }

  #cellOf(run: number): number | undefined {
    const end = this.#board.length - BOARD_THREAD_CELLS;
    for (let cell = 0; cell < end; cell += BOARD_CELLS_PER_SLOT) {
      if (Atomics.load(this.#board, cell) === run) return cell;
    }
    return undefined;
  }
}
