/** Runs all tasks once through a server, and keeps what happened. */
import {
  Client,
  type EnqueueRequest,
  observe,
  Server,
  type ServerEvents,
  type ServerOptions,
} from '../src/index.ts';

/** What happened to the tasks of one type. */
export interface TypeTally {
  /** Run times of the attempts that succeeded, in milliseconds. */
  readonly runMs: number[];
  failures: number;
  retries: number;
  archived: number;
}

/** A whole pass. */
export interface PassResult {
  readonly byType: ReadonlyMap<string, TypeTally>;
  /** From the first start to the last end, in milliseconds. */
  readonly elapsedMs: number;
  readonly threads: number;
  /** The server's own `/metrics` at the end. */
  readonly metrics: string;
  /** Why tasks failed for good; at most ten. */
  readonly reasons: readonly string[];
}

/** What a pass takes. */
export interface PassOptions {
  readonly server: Pick<ServerOptions, 'redis' | 'handlers' | 'middleware' | 'concurrency'>;
  readonly redis: string;
  readonly queue: string;
  readonly requests: readonly EnqueueRequest[];
  readonly signal: AbortSignal;
  onDone(done: number): void;
}

/** Without any task ending for so long, something is broken. Milliseconds. */
const STALL_MS = 120_000;
const MAX_REASONS = 10;

/** Enqueues, runs until every task has succeeded or is archived, and ends the server. Rejects on abort and stall. */
export async function runPass(options: PassOptions): Promise<PassResult> {
  const { redis, queue, requests } = options;
  const client = new Client({ redis });
  const server = new Server({
    ...options.server,
    queues: [queue],
    logLevel: 'silent',
    pollInterval: 20,
    retryDelay: () => 0,
  });
  const tally = new Tally(server, requests.length, options);
  const observed = await observe(server, { port: 0 });
  try {
    await enqueueAll(client, requests, queue);
    await server.start();
    const finished = await tally.finished();
    const metrics = await (await fetch(`${observed.url ?? ''}/metrics`)).text();
    return { ...finished, threads: server.settings.threads, metrics };
  } finally {
    await server.shutdown();
    await observed.close();
    await client.close();
  }
}

async function enqueueAll(
  client: Client,
  requests: readonly EnqueueRequest[],
  queue: string,
): Promise<void> {
  const results = await client.enqueueMany(
    requests.map(({ task }) => ({ task, options: { queue, maxRetry: 3, retention: '1h' } })),
  );
  for (const result of results) if (!result.ok) throw result.error;
}

/** Counts events until every task has come to its end. */
class Tally {
  readonly #byType = new Map<string, TypeTally>();
  readonly #reasons: string[] = [];
  readonly #total: number;
  readonly #options: Pick<PassOptions, 'signal' | 'onDone'>;
  #done = 0;
  #startedAt: number | undefined;
  #onEnd: () => void = () => undefined;
  #onStep: () => void = () => undefined;

  constructor(server: Server, total: number, options: Pick<PassOptions, 'signal' | 'onDone'>) {
    this.#total = total;
    this.#options = options;
    server.on('started', () => {
      this.#startedAt ??= performance.now();
    });
    server.on('succeeded', ({ task, runMs }) => {
      this.#of(task).runMs.push(runMs);
      this.#end();
    });
    server.on('failed', ({ task }) => {
      this.#of(task).failures += 1;
    });
    server.on('retried', ({ task }) => {
      this.#of(task).retries += 1;
    });
    server.on('archived', (event) => this.#archive(event));
  }

  /** Resolves when the last task has ended. */
  finished(): Promise<Pick<PassResult, 'byType' | 'elapsedMs' | 'reasons'>> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#options;
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        // Tasks that end while the server shuts down change nothing any more.
        this.#onStep = () => undefined;
        this.#onEnd = () => undefined;
      };
      const fail = (reason: string): void => {
        settle();
        reject(new Error(reason));
      };
      const onAbort = (): void => fail('interrupted');
      this.#onStep = () => {
        clearTimeout(timer);
        timer = setTimeout(fail, STALL_MS, `no task ended for ${STALL_MS / 1_000} s`);
      };
      this.#onEnd = () => {
        settle();
        const elapsedMs = performance.now() - (this.#startedAt ?? performance.now());
        resolve({ byType: this.#byType, elapsedMs, reasons: this.#reasons });
      };
      this.#onStep();
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
  }

  #of({ type }: { readonly type: string }): TypeTally {
    let tally = this.#byType.get(type);
    if (tally === undefined) {
      tally = { runMs: [], failures: 0, retries: 0, archived: 0 };
      this.#byType.set(type, tally);
    }
    return tally;
  }

  #archive({ task, error }: ServerEvents['archived'][0]): void {
    this.#of(task).archived += 1;
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(`${task.type}: ${error.message}`);
    this.#end();
  }

  #end(): void {
    this.#done += 1;
    this.#options.onDone(this.#done);
    this.#onStep();
    if (this.#done === this.#total) this.#onEnd();
  }
}
