/** Threadmill's thread pool without Redis: what a stop costs between the main thread and the handler's. */
import { once, EventEmitter } from 'node:events';
import type { TaskOutcome } from '../../src/threads/messages.ts';
import type { PoolListener } from '../../src/threads/pool-listener.ts';
import { ThreadPool } from '../../src/threads/thread-pool.ts';
import { LIMIT_MS } from './limit.ts';

/** The handlers of this folder. */
export type StopHandler = 'calls' | 'listen' | 'ok' | 'poll' | 'tight';

/** A run that was handed over. */
export interface StopRun {
  readonly run: number;
  /** Resolves when a thread has begun it. */
  readonly begun: Promise<unknown>;
  /** Resolves when the handler itself runs: its module is loaded by then. Not for `calls` and `ok`. */
  readonly running: Promise<unknown>;
  /** Resolves with the handler's answer; rejects when it had none. */
  readonly answer: Promise<number>;
}

/** A pool whose runs are promises. */
export class StopPool {
  readonly #pool: ThreadPool;
  readonly #said = new EventEmitter<Record<string, unknown[]>>();
  #lastRun = 0;

  constructor(threads: number) {
    const settings = { middleware: [], tasksPerThread: 1, maxResultSize: 1_024 };
    this.#pool = new ThreadPool({ threads, settings: { ...settings, logLevel: 'silent' } });
    this.#said.setMaxListeners(0);
  }

  start(): Promise<void> {
    return this.#pool.start(this.#listener());
  }

  /** Hands a task over. */
  hand(handler: StopHandler, data: unknown = null): StopRun {
    const run = ++this.#lastRun;
    const begun = this.#next(`begun ${run}`);
    const running = this.#next(`running ${run}`);
    const answer = this.#next(`ended ${run}`).then(([outcome]) => answerOf(outcome));
    // Not every run has all of these, and not everybody asks.
    for (const each of [begun, running, answer]) each.catch(() => undefined);
    this.#pool.hand({
      run,
      handler: { url: new URL(`./handlers/${handler}.js`, import.meta.url).href, pattern: handler },
      id: String(run),
      type: handler,
      queue: 'bench',
      payload: new TextEncoder().encode(JSON.stringify(data)),
      headers: {},
      retried: 0,
      maxRetry: 0,
      keepsResult: true,
    });
    return { run, begun, running, answer };
  }

  /** Begins to stop a run that has begun. */
  stop({ run }: StopRun): void {
    if (!this.#pool.stop(run, 'canceled')) throw new Error('the run had not begun');
  }

  /** Resolves when the thread of the run has exited. */
  terminate({ run }: StopRun): Promise<void> {
    return this.#pool.terminate(run);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  #next(what: string): Promise<unknown[]> {
    return once(this.#said, what, { signal: AbortSignal.timeout(LIMIT_MS) });
  }

  #listener(): PoolListener {
    const nothing = (): void => undefined;
    return {
      onBegun: (run) => void this.#said.emit(`begun ${run}`),
      onOutcome: (run, outcome) => {
        this.#said.emit(`begun ${run}`); // of a short run the outcome alone is told
        this.#said.emit(`ended ${run}`, outcome);
      },
      onDied: (run) => void this.#said.emit(`ended ${run}`),
      onProgress: (run) => void this.#said.emit(`running ${run}`),
      onLog: nothing,
      onEnqueue: nothing,
      onDoomed: nothing,
      onThreadExit: nothing,
      onFault: nothing,
    };
  }
}

function answerOf(said: unknown): number {
  const outcome = said as TaskOutcome | undefined;
  if (outcome?.kind !== 'returned' || outcome.result === undefined) {
    throw new Error(`the handler gave no answer: ${JSON.stringify(outcome)}`);
  }
  return Number(new TextDecoder().decode(outcome.result));
}
