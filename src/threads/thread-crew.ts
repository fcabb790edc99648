/**
 * The threads themselves: starts them through Piscina, knows which may be given a task, and sees to it that there are
 * always as many as configured.
 *
 * Tasks do not go through Piscina's `run`, which costs 20 us of CPU each time: a promise, an async resource and an answer by
 * message, where the board says it all. They go through the thread's own port, and Piscina knows of none. (Its abort signal
 * would free the slot seconds before the code has stopped, and drop answers already posted.)
 */
import type { Worker } from 'node:worker_threads';
import { Piscina, type TaskQueue } from 'piscina';
import { toError } from '../errors.ts';
import type { FromThread, ThreadHello, ThreadSettings } from './messages.ts';
import { Replacements } from './replacements.ts';
import { terminateWorker } from './terminate-worker.ts';
import { ThreadRecord } from './thread-record.ts';
import { taskWorkerUrl } from './worker-urls.ts';

/** What the threads are made of. */
export interface ThreadPoolOptions {
  readonly threads: number;
  readonly settings: ThreadSettings;
  /** Most tasks of one message to a thread. Default: as many as it may have. */
  readonly tasksPerMessage?: number | undefined;
  /** V8 heap limit per thread in MB; default: Node's. */
  readonly maxOldGenerationMb?: number | undefined;
  /** Module of every thread; default: `workers/task-worker`. Another one is for tests of how threads start. */
  readonly entry?: URL;
}

/** How much of what it was given ahead a thread has to have begun before it is given more. */
export type Begun = 'half' | 'some';

/** Whom the crew tells of its threads. */
export interface CrewListener {
  /** The thread may be given tasks. */
  onUsable(thread: ThreadRecord): void;
  onMessage(thread: ThreadRecord, said: FromThread): void;
  /** The thread's code has ended. What it posted last is on its port still. */
  onExit(thread: ThreadRecord, error: Error): void;
  onFault(where: string, error: unknown): void;
}

/** Threads load one small module; where that takes longer the machine is in trouble and the start says so. */
const BOOT_LIMIT_MS = 60_000;
const BOOT_TOO_SLOW = `the worker threads did not answer within ${BOOT_LIMIT_MS / 1000} s`;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Drops what Piscina is given: that is only how it is asked for a thread. */
class NoQueue implements TaskQueue {
  readonly size = 0;

  push(): void {}

  shift(): null {
    return null;
  }

  remove(): void {}
}

/** A fixed number of worker threads. */
export class ThreadCrew {
  readonly #options: ThreadPoolOptions;
  readonly #listener: CrewListener;
  readonly #threads = new Map<number, ThreadRecord>();
  /** Threads that Piscina counts on. It does so at once for its first ones, and after their hello for later ones. */
  readonly #known = new Set<number>();
  #piscina: Piscina | undefined;
  #replacements: Replacements | undefined;
  /** Keeps the process up while threads boot: Piscina does not for those that have none of its own tasks. */
  #isNeeded: NodeJS.Timeout | undefined;
  /** What Piscina dropped last, if it had said hello. */
  #lost: ThreadRecord | undefined;
  /** While it starts: called with each thread's hello, or with what ends the start. */
  #onStart: ((failure?: Error) => void) | undefined;
  /** Those who wait for a replacement; each hello is for one of them. */
  readonly #awaited: (() => void)[] = [];

  constructor(options: ThreadPoolOptions, listener: CrewListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get isUp(): boolean {
    return this.#piscina !== undefined;
  }

  /** The threads that have said hello and live. */
  get threads(): ReadonlyMap<number, ThreadRecord> {
    return this.#threads;
  }

  /** Those that have a task. */
  busy(): ThreadRecord[] {
    return [...this.#threads.values()].filter(({ isBusy }) => isBusy);
  }

  /** Resolves when every thread has said hello. When it rejects, all have ended. */
  async start(): Promise<void> {
    const piscina = this.#createPiscina();
    this.#piscina = piscina;
    this.#isNeeded = setInterval(() => undefined, LONGEST_TIMER_MS);
    this.#replacements = new Replacements(this.#options.threads, {
      living: () => piscina.threads.length,
      // A task that no thread takes makes Piscina start one, if any is missing. It is dropped at once (`NoQueue`).
      ask: () => void piscina.run(undefined).catch(() => undefined),
    });
    piscina.on('message', (message: unknown) => this.#welcome(message));
    piscina.on('workerCreate', ({ id }: { id: number }) => this.#onKnown(id));
    piscina.on('workerDestroy', ({ id }: { id: number }) => {
      this.#onLost(piscina.threads.find(({ threadId }) => threadId === id));
    });
    // Right after it has dropped the thread. Of one that has said hello `onExit` tells.
    piscina.on('error', (error: unknown) => {
      if (this.#lost === undefined) this.#listener.onFault('thread', error);
    });
    try {
      await this.#allReady(piscina);
    } catch (error) {
      await this.destroy();
      throw error;
    }
  }

  /**
   * The threads that take runs now: of the `ahead` that each may have beyond those it runs at once, half have begun, or
   * some: a quarter, at least one.
   */
  hungry(ahead: number, begun: Begun): ThreadRecord[] {
    const left = begun === 'half' ? ahead >> 1 : ahead - Math.max(1, ahead >> 2);
    const most = this.#options.settings.tasksPerThread + Math.max(0, left);
    return [...this.#threads.values()].filter(
      ({ isCondemned, isUsable, runs }) => !isCondemned && isUsable && runs.size <= most,
    );
  }

  /** Resolves with a hello that nobody else waits for, or when the threads are ended. */
  nextHello(): Promise<void> {
    if (!this.isUp) return Promise.resolve();
    return new Promise((resolve) => {
      this.#awaited.push(resolve);
    });
  }

  /** Ends all threads; resolves when they have exited. */
  async destroy(): Promise<void> {
    const piscina = this.#piscina;
    this.#piscina = undefined;
    this.#replacements?.stop();
    clearInterval(this.#isNeeded);
    this.#onStart?.(new Error('the threads were ended while they started'));
    for (const resolve of this.#awaited.splice(0)) resolve();
    for (const thread of this.#threads.values()) thread.isCondemned = true;
    const ended = piscina?.threads.map((worker) => terminateWorker(worker)) ?? [];
    await Promise.all([...ended, piscina?.destroy()]);
    this.#known.clear();
  }

  #createPiscina(): Piscina {
    const { threads, settings, maxOldGenerationMb, entry = taskWorkerUrl } = this.#options;
    return new Piscina({
      filename: entry.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // 'sync', the default, freezes a thread that has nothing of Piscina's to do.
      atomics: 'disabled',
      recordTiming: false,
      workerData: settings,
      taskQueue: new NoQueue(),
      loadBalancer: (_task, _workers) => null,
      ...(maxOldGenerationMb === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: maxOldGenerationMb } }),
    });
  }

  #allReady(piscina: Piscina): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (failure?: Error): void => {
        clearTimeout(timer);
        piscina.off('error', onError);
        this.#onStart = undefined;
        if (failure === undefined) resolve();
        else reject(failure);
      };
      const onError = (error: unknown): void => settle(toError(error));
      const timer = setTimeout(() => settle(new Error(BOOT_TOO_SLOW)), BOOT_LIMIT_MS);
      piscina.once('error', onError);
      this.#onStart = (failure) => {
        const isComplete = this.#threads.size >= this.#options.threads;
        if (failure !== undefined || isComplete) settle(failure);
      };
    });
  }

  #welcome(message: unknown): void {
    if (!isHello(message)) return;
    const worker = this.#piscina?.threads.find(({ threadId }) => threadId === message.threadId);
    // Said before the thread or the pool was ended, heard after it: the port would keep the process up.
    if (worker === undefined || this.#threads.has(message.threadId)) return message.port.close();
    const thread = new ThreadRecord(message, worker);
    this.#threads.set(thread.threadId, thread);
    this.#replacements?.onHello(worker);
    thread.listen((said) => this.#listener.onMessage(thread, said));
    worker.once('error', (error: unknown) => {
      thread.isCondemned = true;
      thread.error = toError(error);
    });
    worker.once('exit', (code) => this.#onExit(thread, code));
    this.#awaited.shift()?.();
    this.#onStart?.();
    this.#checkUsable(thread);
  }

  #onKnown(threadId: number): void {
    // Piscina takes it up only after it has said so.
    queueMicrotask(() => {
      this.#known.add(threadId);
      const thread = this.#threads.get(threadId);
      if (thread !== undefined) this.#checkUsable(thread);
    });
  }

  #checkUsable(thread: ThreadRecord): void {
    if (thread.isUsable || !this.#known.has(thread.threadId)) return;
    thread.isUsable = true;
    this.#listener.onUsable(thread);
  }

  /**
   * Piscina drops a thread, in the event in which it learns of its end. Afterwards the number is of no thread (-1), and of
   * one that is out of memory it is so already: what is known of it goes by the worker.
   */
  #onLost(worker: Worker | undefined): void {
    this.#lost = [...this.#threads.values()].find((thread) => thread.worker === worker);
    this.#replacements?.onLost(worker);
  }

  #onExit(thread: ThreadRecord, code: number): void {
    this.#threads.delete(thread.threadId);
    this.#known.delete(thread.threadId);
    thread.isCondemned = true;
    this.#listener.onExit(thread, thread.error ?? new Error(`its exit code was ${code}`));
    thread.close();
  }
}

function isHello(message: unknown): message is ThreadHello {
  return (
    typeof message === 'object' &&
    message !== null &&
    (message as { kind?: unknown }).kind === 'threadmill:hello'
  );
}
