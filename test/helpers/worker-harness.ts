/** One pool thread as the runtime makes it (Piscina and the compiled entry), and all that it says. */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { after } from 'node:test';
import { BOARD_CELLS_PER_SLOT } from '../../src/threads/messages.ts';
import type {
  EnqueueAnswer,
  FromThread,
  LogLine,
  StopReason,
  TaskEnvelope,
  TaskOutcome,
  ThreadHello,
  ThreadSettings,
} from '../../src/threads/messages.ts';
import { taskWorkerUrl } from '../../src/threads/worker-urls.ts';

type Said<K extends FromThread['kind']> = Extract<FromThread, { kind: K }>;

/** What a test says about a task; the rest has defaults. */
export type TaskOptions = Partial<Omit<TaskEnvelope, 'run' | 'handler' | 'payload'>> & {
  /** Bytes as they are, anything else as JSON. */
  readonly payload?: unknown;
};

/** A run that was handed to the thread. */
export interface HarnessRun {
  readonly run: number;
  readonly begun: Promise<void>;
  readonly outcome: Promise<TaskOutcome>;
  /** Piscina's own answer: whether the thread lived on. */
  readonly answered: Promise<'answered' | 'died'>;
}

/** Starts one thread; it ends with the test file. */
export async function startThread(settings: Partial<ThreadSettings> = {}): Promise<ThreadHarness> {
  const workerData: ThreadSettings = {
    middleware: [],
    tasksPerThread: 1,
    maxResultSize: 16_777_216,
    logLevel: 'trace',
    ...settings,
  };
  const pool = new Piscina({
    filename: taskWorkerUrl.href,
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: workerData.tasksPerThread,
    atomics: 'disabled',
    workerData,
  });
  const [hello] = (await once(pool, 'message')) as [ThreadHello];
  const harness = new ThreadHarness(pool, hello);
  after(() => harness.close());
  return harness;
}

/** See `startThread`. */
export class ThreadHarness {
  readonly said: FromThread[] = [];
  readonly hello: ThreadHello;
  readonly pool: Piscina;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<unknown>;
  /** Answers the thread's enqueue calls. */
  onEnqueue: (asked: Said<'enqueue'>) => EnqueueAnswer[] | undefined = () => undefined;
  readonly #board: Int32Array;
  readonly #waits = new Set<() => void>();
  #lastRun = 0;

  constructor(pool: Piscina, hello: ThreadHello) {
    this.pool = pool;
    this.hello = hello;
    this.#board = new Int32Array(hello.board);
    this.port.on('message', (message: FromThread) => this.#hear(message));
    this.ended = once(this.port, 'close');
    pool.on('error', () => undefined);
  }

  get port(): MessagePort {
    return this.hello.port;
  }

  /** Hands a task to the thread. `file`: path of the handler module. */
  hand(file: string, { payload, ...options }: TaskOptions = {}): HarnessRun {
    this.#lastRun += 1;
    const run = this.#lastRun;
    const envelope: TaskEnvelope = {
      run,
      handler: { url: pathToFileURL(file).href, pattern: 'test' },
      id: `task-${run}`,
      type: 'ok',
      queue: 'default',
      payload: encode(payload),
      headers: {},
      retried: 0,
      maxRetry: 25,
      keepsResult: true,
      ...options,
    };
    const answered = this.pool.run(envelope).then(
      () => 'answered' as const,
      () => 'died' as const,
    );
    const outcome = this.until('outcome', run).then((message) => message.outcome);
    return { run, begun: this.until('begun', run).then(() => undefined), outcome, answered };
  }

  /** Runs a task to its outcome. */
  run(file: string, options?: TaskOptions): Promise<TaskOutcome> {
    return this.hand(file, options).outcome;
  }

  /** As the runtime stops a run: message first, then the board. */
  stop(run: number, reason: StopReason): void {
    this.port.postMessage({ kind: 'stop', run, reason });
    const cell = this.#cellOf(run);
    if (cell !== undefined) Atomics.store(this.#board, cell + 1, run);
  }

  /** How often a run that is going has given a sign of life. */
  beats(run: number): number {
    const cell = this.#cellOf(run);
    if (cell === undefined) throw new Error(`run ${run} is on no slot of the board`);
    return Atomics.load(this.#board, cell + 2);
  }

  /** The first message of this kind about this run, now or later. */
  until<K extends FromThread['kind']>(kind: K, run: number): Promise<Said<K>> {
    return this.untilFound((message): message is Said<K> => {
      return message.kind === kind && 'run' in message && message.run === run;
    });
  }

  /** The first message that fits, now or later. */
  untilFound<M extends FromThread>(fits: (message: FromThread) => message is M): Promise<M> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.said.find(fits);
        if (found === undefined) return;
        this.#waits.delete(look);
        resolve(found);
      };
      this.#waits.add(look);
      look();
    });
  }

  /** All log lines of a run so far. */
  lines(run: number): LogLine[] {
    const all = this.said.flatMap((message) => (message.kind === 'log' ? message.lines : []));
    return all.filter((line) => line.run === run);
  }

  /** All progress values of a run so far. */
  progress(run: number): unknown[] {
    return this.said.flatMap((m) => (m.kind === 'progress' && m.run === run ? [m.value] : []));
  }

  /** What was said about one run, in order, log lines included. */
  order(run: number): string[] {
    return this.said.flatMap((m) => {
      if (m.kind === 'log') return m.lines.some((line) => line.run === run) ? ['log'] : [];
      return 'run' in m && m.run === run ? [m.kind] : [];
    });
  }

  /** All that was said of one kind so far. */
  all<K extends FromThread['kind']>(kind: K): Said<K>[] {
    return this.said.filter((message): message is Said<K> => message.kind === kind);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
    this.port.close();
  }

  #cellOf(run: number): number | undefined {
    for (let cell = 0; cell < this.#board.length; cell += BOARD_CELLS_PER_SLOT) {
      if (Atomics.load(this.#board, cell) === run) return cell;
    }
    return undefined;
  }

  #hear(message: FromThread): void {
    this.said.push(message);
    if (message.kind === 'enqueue') {
      const answers = this.onEnqueue(message);
      if (answers) this.port.postMessage({ kind: 'enqueued', call: message.call, answers });
    }
    for (const look of this.#waits) look();
  }
}

function encode(payload: unknown): Uint8Array {
  if (payload === undefined) return new Uint8Array(0);
  if (payload instanceof Uint8Array) return payload;
  return new TextEncoder().encode(JSON.stringify(payload));
}
