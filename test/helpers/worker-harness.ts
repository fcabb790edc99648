/** One pool thread as the runtime makes it (Piscina and the compiled entry), and all that it says. */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { after } from 'node:test';
import { MainBoard } from '../../src/threads/main-board.ts';
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
import { packBatch } from '../../src/threads/task-batch.ts';
import { taskWorkerUrl } from '../../src/threads/worker-urls.ts';

/** What the thread says by message, and what it says on its board. */
export type Heard =
  | Exclude<FromThread, { kind: 'look' }>
  | { readonly kind: 'begun'; readonly run: number };
type Said<K extends Heard['kind']> = Extract<Heard, { kind: K }>;

/** A run in the thread's hands. */
interface Handed {
  readonly place: number;
  hasBegun: boolean;
}

/** What a test says about a task; the rest has defaults. */
export type TaskOptions = Partial<Omit<TaskEnvelope, 'run' | 'handler' | 'payload'>> & {
  readonly journalSlot?: number;
  /** Bytes as they are, anything else as JSON. */
  readonly payload?: unknown;
};

/** A run that was handed to the thread. */
export interface HarnessRun {
  readonly run: number;
  readonly begun: Promise<void>;
  readonly outcome: Promise<TaskOutcome>;
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
  readonly said: Heard[] = [];
  readonly hello: ThreadHello;
  readonly pool: Piscina;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<unknown>;
  /** Answers the thread's enqueue calls. */
  onEnqueue: (asked: Said<'enqueue'>) => EnqueueAnswer[] | undefined = () => undefined;
  readonly #board: MainBoard;
  readonly #handed = new Map<number, Handed>();
  /** The board says nothing by itself. */
  readonly #looking: NodeJS.Timeout;
  readonly #waits = new Set<() => void>();
  #lastRun = 0;

  constructor(pool: Piscina, hello: ThreadHello) {
    this.pool = pool;
    this.hello = hello;
    this.#board = new MainBoard(hello.board);
    this.port.on('message', (message: FromThread) => this.#hear(message));
    this.#looking = setInterval(() => this.look(), 2).unref();
    this.ended = once(this.port, 'close').then(() => this.look());
    pool.on('error', () => undefined);
  }

  get port(): MessagePort {
    return this.hello.port;
  }

  /** Hands a task to the thread. `file`: path of the handler module. */
  hand(file: string, { payload, journalSlot, ...options }: TaskOptions = {}): HarnessRun {
    this.#lastRun += 1;
    const run = this.#lastRun;
    const place = this.#board.offer(run, journalSlot);
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
    this.#handed.set(run, { place, hasBegun: false });
    const { batch, transferList } = packBatch([{ envelope, place }]);
    this.port.postMessage({ kind: 'tasks', batch }, transferList);
    const outcome = this.until('outcome', run).then((message) => message.outcome);
    return { run, begun: this.until('begun', run).then(() => undefined), outcome };
  }

  /** Runs a task to its outcome. */
  run(file: string, options?: TaskOptions): Promise<TaskOutcome> {
    return this.hand(file, options).outcome;
  }

  /** As the runtime stops a run: message first, then the board. */
  stop(run: number, reason: StopReason): void {
    this.port.postMessage({ kind: 'stop', run, reason });
    if (!this.#handed.has(run)) return;
    this.#board.stop(this.placeOf(run), run);
  }

  /** How often a run that is going has given a sign of life. */
  beats(run: number): number {
    return this.#board.beats(this.placeOf(run));
  }

  /** Takes a run back; `false` when the thread has begun it. */
  withdraw(run: number): boolean {
    return this.#board.withdraw(this.placeOf(run), run) && this.#handed.delete(run);
  }

  /** Its place on the board. */
  placeOf(run: number): number {
    const handed = this.#handed.get(run);
    if (handed === undefined) throw new Error(`run ${run} is not in the thread's hands`);
    return handed.place;
  }

  /** The first message of this kind about this run, now or later. */
  until<K extends Heard['kind']>(kind: K, run: number): Promise<Said<K>> {
    return this.untilFound((message): message is Said<K> => {
      return message.kind === kind && 'run' in message && message.run === run;
    });
  }

  /** The first message that fits, now or later. */
  untilFound<M extends Heard>(fits: (message: Heard) => message is M): Promise<M> {
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
  all<K extends Heard['kind']>(kind: K): Said<K>[] {
    return this.said.filter((message): message is Said<K> => message.kind === kind);
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    await this.pool.destroy();
    this.port.close();
  }

  /** Notes what is new on the board: as the runtime does before each message, and now and then. */
  look(): void {
    for (const [run, handed] of this.#handed) {
      if (this.#board.isOffered(handed.place, run)) continue;
      if (!handed.hasBegun) this.#note({ kind: 'begun', run });
      handed.hasBegun = true;
      if (!this.#board.isDone(handed.place)) continue;
      this.#handed.delete(run);
      const runMs = this.#board.ranFor(handed.place);
      this.#note({ kind: 'outcome', run, outcome: { kind: 'returned', runMs } });
    }
  }

  #hear(message: FromThread): void {
    this.look();
    if (message.kind === 'look') return;
    if (message.kind === 'outcome') this.#handed.delete(message.run);
    this.#note(message);
    if (message.kind === 'enqueue') {
      const answers = this.onEnqueue(message);
      if (answers) this.port.postMessage({ kind: 'enqueued', call: message.call, answers });
    }
  }

  #note(message: Heard): void {
    this.said.push(message);
    for (const look of this.#waits) look();
  }
}

function encode(payload: unknown): Uint8Array {
  if (payload === undefined) return new Uint8Array(0);
  if (payload instanceof Uint8Array) return payload;
  return new TextEncoder().encode(JSON.stringify(payload));
}
