/**
 * Piscina behind a narrow face: hands tasks to threads, brings what they say, and ends a thread that will not stop.
 *
 * Piscina's own answer to a task only says that its thread is free; everything a task has to say comes through the
 * control port of its thread, in order. Piscina's abort signal is never used: it frees the slot seconds before the code
 * has stopped, and drops answers already posted.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { toError } from '../errors.ts';
import { BOARD_CELLS_PER_SLOT } from './messages.ts';
import type {
  FromThread,
  StopReason,
  TaskEnvelope,
  ThreadHello,
  ThreadSettings,
  ToThread,
} from './messages.ts';
import type { PoolListener } from './pool-listener.ts';
import { taskWorkerUrl } from './worker-urls.ts';

/** What the pool is made of. */
export interface ThreadPoolOptions {
  readonly threads: number;
  readonly settings: ThreadSettings;
  /** V8 heap limit per thread in MB; default: Node's. */
  readonly maxOldGenerationMb?: number | undefined;
}

interface RunRecord {
  /** Known once the thread has begun it. */
  threadId: number | undefined;
  /** Kept here, not asked of the thread: its port may have closed before the end of the run is told. */
  wasTerminated: boolean;
}

interface ThreadRecord {
  readonly threadId: number;
  readonly port: MessagePort;
  readonly board: Int32Array;
  /** Nothing more is handed to a thread that is about to be terminated. */
  isCondemned: boolean;
}

/** Payloads from this size on are transferred, not cloned: below it a copy is cheaper than the bookkeeping. */
const TRANSFER_FROM_BYTES = 65_536;

/** Threads load one small module; where that takes longer the machine is in trouble and the start says so. */
const BOOT_LIMIT_MS = 60_000;
const BOOT_TOO_SLOW = `the worker threads did not answer within ${BOOT_LIMIT_MS / 1000} s`;

/** A fixed number of worker threads. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Map<number, ThreadRecord>();
  /** Runs handed over whose end is not known yet. */
  readonly #runs = new Map<number, RunRecord>();
  #piscina: Piscina | undefined;
  #listener: PoolListener | undefined;
  /** While it starts: called with each thread's hello, or with what ends the start. */
  #onHello: ((failure?: Error) => void) | undefined;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#options.threads;
  }

  /** Threads that have loaded the entry module and live. */
  get ready(): number {
    return this.#threads.size;
  }

  /** Threads on which at least one task has begun. */
  get busy(): number {
    const busy = new Set([...this.#runs.values()].map((record) => record.threadId));
    busy.delete(undefined);
    return busy.size;
  }

  /** Starts all threads; resolves when each has answered. */
  async start(listener: PoolListener): Promise<void> {
    this.#listener = listener;
    const { threads, settings, maxOldGenerationMb } = this.#options;
    const piscina = new Piscina({
      filename: taskWorkerUrl.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: settings.tasksPerThread,
      // 'sync', the default, freezes an idle thread: timers and sockets of a handler would stall until the next task.
      atomics: 'disabled',
      recordTiming: false,
      workerData: settings,
      loadBalancer: (_task, workers) => this.#leastBusy(workers),
      ...(maxOldGenerationMb === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: maxOldGenerationMb } }),
    });
    this.#piscina = piscina;
    piscina.on('message', (message: unknown) => this.#welcome(message));
    // Without tasks on the thread its error comes here; the thread is replaced all the same.
    piscina.on('error', (error: unknown) => this.#listener?.onFault('thread', error));
    await this.#allReady();
  }

  /** Hands a task to a thread. Never throws and never rejects: the end comes through the listener. */
  hand(envelope: TaskEnvelope): void {
    const { payload, run } = envelope;
    this.#runs.set(run, { threadId: undefined, wasTerminated: false });
    const transferList =
      payload.byteLength >= TRANSFER_FROM_BYTES && payload.buffer instanceof ArrayBuffer
        ? [payload.buffer]
        : [];
    const piscina = this.#piscina;
    if (piscina === undefined) {
      this.#settleDead(run, new Error('the thread pool is not started'));
      return;
    }
    // When it resolves, the outcome is on the control port already or has been read: nothing to do.
    piscina.run(envelope, { transferList }).then(
      () => undefined,
      (error: unknown) => this.#settleDead(run, toError(error)),
    );
  }

  /** Tells the thread of this run to stop it. `false` when no thread has begun it: tell again at `onBegun`. */
  stop(run: number, reason: StopReason): boolean {
    const thread = this.#threadOf(run);
    if (thread === undefined) return false;
    // The message first: code that sees the cell looks for the reason on the port at once.
    post(thread.port, { kind: 'stop', run, reason });
    for (let cell = 0; cell < thread.board.length; cell += BOARD_CELLS_PER_SLOT) {
      if (Atomics.load(thread.board, cell) === run) Atomics.store(thread.board, cell + 1, run);
    }
    return true;
  }

  /** Ends the thread of this run; resolves when its code has really stopped. The pool replaces it. */
  async terminate(run: number): Promise<void> {
    const thread = this.#threadOf(run);
    if (thread === undefined) return;
    thread.isCondemned = true;
    for (const record of this.#runs.values()) {
      if (record.threadId === thread.threadId) record.wasTerminated = true;
    }
    const worker = this.#piscina?.threads.find((each) => each.threadId === thread.threadId);
    await worker?.terminate();
  }

  /**
   * Ends all threads. Resolves when they have exited. Of runs that have begun nothing is told any more: their code may
   * still be in a native call, and a requeue would let it run twice at once.
   */
  async destroy(): Promise<void> {
    for (const [run, { threadId }] of this.#runs)
      if (threadId !== undefined) this.#runs.delete(run);
    this.#onHello?.(new Error('the threads were ended while they started'));
    for (const thread of this.#threads.values()) thread.isCondemned = true;
    await this.#piscina?.destroy();
    this.#piscina = undefined;
    for (const thread of this.#threads.values()) thread.port.close();
    this.#threads.clear();
  }

  #leastBusy<W extends { readonly id: number; readonly currentUsage: number }>(
    workers: readonly W[],
  ): W | null {
    let best: W | null = null;
    for (const worker of workers) {
      if (this.#threads.get(worker.id)?.isCondemned === true) continue;
      if (worker.currentUsage >= this.#options.settings.tasksPerThread) continue;
      if (best === null || worker.currentUsage < best.currentUsage) best = worker;
    }
    return best;
  }

  #allReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        this.#piscina?.off('error', onError);
        this.#onHello = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const onError = (error: unknown): void => settle(toError(error));
      const timer = setTimeout(() => settle(new Error(BOOT_TOO_SLOW)), BOOT_LIMIT_MS);
      this.#piscina?.once('error', onError);
      this.#onHello = (failure) => {
        if (failure !== undefined || this.#threads.size >= this.#options.threads) settle(failure);
      };
    });
  }

  #welcome(message: unknown): void {
    if (!isHello(message)) return;
    // Said before the pool was ended, heard after it: the port would keep the process up.
    if (this.#piscina === undefined) return message.port.close();
    const thread: ThreadRecord = {
      threadId: message.threadId,
      port: message.port,
      board: new Int32Array(message.board),
      isCondemned: false,
    };
    this.#threads.set(thread.threadId, thread);
    thread.port.on('message', (said: FromThread) => this.#hear(thread, said));
    thread.port.on('close', () => {
      this.#threads.delete(thread.threadId);
      this.#listener?.onThreadExit(thread.threadId);
    });
    this.#onHello?.();
  }

  #hear(thread: ThreadRecord, said: FromThread): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    switch (said.kind) {
      case 'begun':
        return this.#begin(said.run, thread, said.at);
      case 'outcome':
        if (this.#runs.delete(said.run)) listener.onOutcome(said.run, said.outcome);
        return;
      case 'progress':
        return listener.onProgress(said.run, said.value);
      case 'log':
        return listener.onLog(said.lines, thread.threadId);
      case 'uncaught':
        // The thread ends by itself once its other runs have: nothing more is handed to it.
        thread.isCondemned = true;
        return listener.onUncaught(said.run, said.error, thread.threadId);
      case 'enqueue':
        return listener.onEnqueue({
          run: said.run,
          items: said.items,
          reply: (answers) => post(thread.port, { kind: 'enqueued', call: said.call, answers }),
        });
    }
  }

  /** A run whose thread ended. What the thread posted before is read first: an answer given counts. */
  #settleDead(run: number, error: Error): void {
    for (const thread of this.#threads.values()) this.#drain(thread);
    const record = this.#runs.get(run);
    if (record === undefined) return;
    this.#runs.delete(run);
    this.#listener?.onDied(run, error, record.wasTerminated);
  }

  #begin(run: number, thread: ThreadRecord, atWallMs: number): void {
    const record = this.#runs.get(run);
    if (record === undefined) return;
    record.threadId = thread.threadId;
    this.#listener?.onBegun(run, thread.threadId, atWallMs);
  }

  #drain(thread: ThreadRecord): void {
    for (;;) {
      const entry = receiveMessageOnPort(thread.port);
      if (entry === undefined) return;
      this.#hear(thread, entry.message as FromThread);
    }
  }

  #threadOf(run: number): ThreadRecord | undefined {
    const threadId = this.#runs.get(run)?.threadId;
    return threadId === undefined ? undefined : this.#threads.get(threadId);
  }
}

function post(port: MessagePort, message: ToThread): void {
  port.postMessage(message);
}

function isHello(message: unknown): message is ThreadHello {
  return (
    typeof message === 'object' &&
    message !== null &&
    (message as { kind?: unknown }).kind === 'threadmill:hello'
  );
}
