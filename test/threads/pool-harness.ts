/** A pool of real threads, and all that it tells. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { LogLine, TaskEnvelope, TaskOutcome } from '../../src/threads/messages.ts';
import type {
  Begun,
  Death,
  Doom,
  EnqueueFromThread,
  PoolListener,
} from '../../src/threads/pool-listener.ts';
import { ThreadPool, type ThreadPoolOptions } from '../../src/threads/thread-pool.ts';
import { fixture } from '../helpers/paths.ts';
import { until } from '../helpers/server.ts';
import { tempModules } from '../helpers/temp-modules.ts';

/** What a test says about its pool; the rest has defaults. */
export type PoolSettings = Partial<Omit<ThreadPoolOptions, 'settings'>> & {
  readonly tasksPerThread?: number;
  readonly journalFd?: number;
};

/** Makes a pool that is ended after the test file. */
export function makePool(settings: PoolSettings = {}): PoolHarness {
  const { tasksPerThread = 1, journalFd, threads = 1, ...options } = settings;
  const pool = new ThreadPool({
    ...options,
    threads,
    settings: {
      middleware: [],
      tasksPerThread,
      maxResultSize: 1_000,
      logLevel: 'silent',
      ...(journalFd === undefined ? {} : { journalFd }),
    },
  });
  after(() => pool.destroy());
  return new PoolHarness(pool);
}

/** Makes a pool and starts it. */
export async function startPool(settings?: PoolSettings): Promise<PoolHarness> {
  const harness = makePool(settings);
  await harness.pool.start(harness);
  return harness;
}

/** Resolves when the pool is whole and every thread of it works. */
export async function isWhole(harness: PoolHarness): Promise<void> {
  await until(() => harness.pool.ready === harness.pool.total, 20_000);
  const runs = harness.pool.threads().map(() => harness.hand('wait'));
  await Promise.all(runs.map((run) => harness.untilBegun(run)));
  assert.equal(new Set(runs.map((run) => harness.threadOf.get(run))).size, harness.pool.total);
  for (const run of runs) harness.pool.stop(run, 'canceled');
  await Promise.all(runs.map((run) => harness.untilOutcome(run)));
}

/** See `startPool`. */
export class PoolHarness implements PoolListener {
  readonly pool: ThreadPool;
  readonly begun: number[] = [];
  readonly threadOf: Map<number, number> = new Map();
  readonly progress: Map<number, unknown> = new Map();
  readonly outcomes: Map<number, TaskOutcome> = new Map();
  readonly deaths: Map<number, Death> = new Map();
  readonly dooms: Doom[] = [];
  readonly exits: number[] = [];
  readonly faults: unknown[] = [];
  readonly #looks = new Set<() => void>();
  #lastRun = 0;

  constructor(pool: ThreadPool) {
    this.pool = pool;
  }

  /** Hands a task over; `handler` is the name of an act or the path of a module. Answers the run. */
  hand(handler: string, payload: Uint8Array = new Uint8Array()): number {
    this.#lastRun += 1;
    const run = this.#lastRun;
    const file = handler.startsWith('/') ? handler : fixture(`acts/${handler}.js`);
    const task = { id: `task-${run}`, type: 't', queue: 'q', headers: {}, retried: 0, maxRetry: 0 };
    const ref = { url: pathToFileURL(file).href, pattern: 't' };
    const envelope: TaskEnvelope = { run, handler: ref, payload, keepsResult: false, ...task };
    this.pool.hand(envelope);
    return run;
  }

  /** Hands a task over; resolves with its run when a thread has begun it. */
  async begin(handler: string): Promise<number> {
    const run = this.hand(handler);
    await this.untilBegun(run);
    return run;
  }

  /**
   * Hands over a task whose code never yields; resolves with its run when the thread does nothing else any more. A run
   * that has only begun still lets the thread hear of others, as its module loads.
   */
  async spin(): Promise<number> {
    const run = this.hand('spin');
    await this.untilProgress(run);
    return run;
  }

  untilBegun(run: number): Promise<unknown> {
    return this.told(() => this.threadOf.get(run));
  }

  /** Resolves with what the run's handler says by `ctx.progress`. */
  untilProgress(run: number): Promise<unknown> {
    return this.told(() => this.progress.get(run));
  }

  untilOutcome(run: number): Promise<TaskOutcome> {
    return this.told(() => this.outcomes.get(run));
  }

  untilDeath(run: number): Promise<Death> {
    return this.told(() => this.deaths.get(run));
  }

  /** Looks whenever the pool tells anything; resolves with the first answer that is not `undefined` or `false`. */
  told<T>(look: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const answer = look();
        if (answer === undefined || answer === false) return;
        this.#looks.delete(check);
        resolve(answer);
      };
      this.#looks.add(check);
      check();
    });
  }

  onBegun(run: number, threadId: number): void {
    this.begun.push(run);
    this.#tell(() => this.threadOf.set(run, threadId));
  }

  onProgress(run: number, value: unknown): void {
    this.#tell(() => this.progress.set(run, value));
  }

  onOutcome(run: number, outcome: TaskOutcome, begun?: Begun): void {
    if (begun !== undefined) this.onBegun(run, begun.threadId);
    this.#tell(() => this.outcomes.set(run, outcome));
  }

  onDied(run: number, death: Death): void {
    this.#tell(() => this.deaths.set(run, death));
  }

  onDoomed(doom: Doom): void {
    this.#tell(() => this.dooms.push(doom));
  }

  onThreadExit(threadId: number): void {
    this.#tell(() => this.exits.push(threadId));
  }

  onFault(_where: string, error: unknown): void {
    this.#tell(() => this.faults.push(error));
  }

  onLog(_lines: readonly LogLine[]): void {}

  onEnqueue(_request: EnqueueFromThread): void {}

  #tell(note: () => unknown): void {
    note();
    for (const look of this.#looks) look();
  }
}

/** Writes a module for one test file; answers its path. */
export async function tempModule(text: string, name = 'module.js'): Promise<string> {
  return `${await tempModules({ [name]: text })}/${name}`;
}

/**
 * An entry that says hello as the real one, and then does with each task what `body` says: `begin()` and `succeed()` write
 * on its board.
 */
export async function silentEntry(body: string): Promise<URL> {
  const text = `
    const { MessageChannel, parentPort, threadId } = require('node:worker_threads');
    const { port1, port2 } = new MessageChannel();
    const modules = Promise.all([import('${moduleUrl('workers/thread-board.js')}'), import('${moduleUrl('src/threads/task-batch.js')}')]);
    module.exports = modules.then(([{ ThreadBoard }, { unpackBatch }]) => {
      const board = new ThreadBoard(8);
      const hello = { kind: 'threadmill:hello', threadId, port: port2, board: board.memory };
      port1.on('message', ({ batch }) => {
        for (const { run, place, payload } of unpackBatch(batch)) {
          const begin = () => board.begin(place, run);
          const succeed = () => board.succeed(place, 1);
          ${body}
        }
      });
      parentPort.postMessage(hello, [port2]);
      return () => undefined;
    });`;
  return pathToFileURL(await tempModule(text, 'entry.cjs'));
}

function moduleUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}

/** Whether the process runs. One that has ended but that nobody has reaped does not (Linux tells). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch (error) {
    return (error as NodeJS.ErrnoException).syscall === 'open' && process.platform !== 'linux';
  }
}
