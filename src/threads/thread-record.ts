import { setTimeout as delay } from 'node:timers/promises';
import { receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { ChildProcesses } from './child-processes.ts';
import type { FromThread, StopReason, ThreadHello, ToThread } from './messages.ts';
import { MainBoard } from './main-board.ts';
import type { Doom } from './pool-listener.ts';
import { RunList } from './run-list.ts';
import type { WaitingRun } from './waiting-line.ts';

/** What the start of a process may take. */
const SPAWN_MS = 250;

/** A run in the hands of a thread, from the hand-over to its end. */
export interface RunRecord {
  readonly run: number;
  readonly thread: ThreadRecord;
  /** On the thread's board. */
  readonly place: number;
  readonly journalSlot: number | undefined;
  /** What another thread would be given. Kept until the run has begun; absent when the payload moved to the thread. */
  waiting: WaitingRun | undefined;
  /** As of the last look at the board, which may know more by now. */
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
 * Usable from the moment Piscina, too, counts on it: if it died before that, Piscina would replace no thread any more. A
 * condemned thread gets nothing more: it is about to end by itself, or is being ended.
 */
export class ThreadRecord {
  readonly threadId: number;
  readonly worker: Worker;
  /** Handed over and without an end, in the order of the hand-over. */
  readonly runs: RunList<RunRecord> = new RunList();
  readonly processes: ChildProcesses = new ChildProcesses();
  /** Runs whose outcome is known while their code may still run. */
  readonly unfinished: RunRecord[] = [];
  /** Resolves when its code has ended. */
  readonly exited: Promise<void>;
  readonly board: MainBoard;
  runsDone = 0;
  /** When it was last seen to begin or end a run, by the monotonic clock. */
  progressedAt = 0;
  /** It is on a long run: nothing is given to it ahead until that has ended. */
  isOverdue = false;
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
  readonly #helloAt = performance.now();

  constructor(hello: ThreadHello, worker: Worker) {
    this.threadId = hello.threadId;
    this.worker = worker;
    this.#port = hello.port;
    this.board = new MainBoard(hello.board);
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

  /** Throws what `postMessage` throws, e.g. for a value that cannot be cloned. */
  tell(message: ToThread, transferList: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transferList);
  }

  /** Tells a run to stop. */
  stop({ run, place }: RunRecord, reason: StopReason): void {
    // The message first: code that sees the cell looks for the reason on the port at once.
    this.tell({ kind: 'stop', run, reason });
    this.board.stop(place, run);
  }

  /**
   * From now on it starts no process; one that it is starting is waited for, or nobody would know its number when the
   * thread is terminated meanwhile.
   */
  async forbidProcesses(): Promise<void> {
    this.board.forbidProcesses();
    const until = performance.now() + SPAWN_MS;
    while (this.board.isStartingProcess() && performance.now() < until) await delay(1);
  }

  /** The runs that have begun, by the board. */
  begunRuns(): Set<number> {
    const begun = new Set<number>();
    for (const { run, place } of this.runs) if (!this.board.isOffered(place, run)) begun.add(run);
    return begun;
  }

  /** Whether it has begun a run, by what stands on its board: what is said of it may be on its way. */
  get isBusy(): boolean {
    for (const { place, run } of this.runs) if (!this.board.isOffered(place, run)) return true;
    return false;
  }

  info(): ThreadInfo {
    const { threadId, runsDone, isBusy } = this;
    const ageMs = performance.now() - this.#helloAt;
    return { threadId, ageMs, runsDone, isBusy };
  }

  close(): void {
    this.#port.close();
  }
}
