/** A `Server` in this very process, as users of the library have it. */
import { Server, type ServerOptions } from '../src/index.ts';
import { processTable } from './process-table.ts';
import { type Counts, type Stage, THREADS } from './stage.ts';

const CANCEL_GRACE_MS = 50;

/** The stage. */
export class LibraryStage implements Stage {
  readonly name = 'library';
  readonly queue: string;
  readonly #server: Server;
  readonly #reasons: Record<string, number> = {};
  readonly #faults: string[] = [];
  #late = 0;

  private constructor(options: ServerOptions & { readonly queue: string }) {
    const { queue, ...server } = options;
    this.queue = queue;
    this.#server = new Server({
      queues: [queue],
      concurrency: THREADS,
      cancelGrace: CANCEL_GRACE_MS,
      retryDelay: () => '1h', // failed tasks stay where they can be looked at
      logLevel: 'silent',
      ...server,
    });
    this.#server.on('failed', ({ reason }) => {
      this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    });
    this.#server.on('lateError', () => {
      this.#late += 1;
    });
    this.#server.on('fault', ({ where, error }) => {
      this.#faults.push(`${where}: ${error.message}`);
    });
  }

  /** Resolves when it takes tasks. */
  static async open(options: ServerOptions & { readonly queue: string }): Promise<LibraryStage> {
    const stage = new LibraryStage(options);
    await stage.#server.start();
    return stage;
  }

  counts(): Promise<Counts> {
    return Promise.resolve({ reasons: { ...this.#reasons }, late: this.#late });
  }

  strength(): Promise<{ text: string; problems: string[] }> {
    const { threadsReady, active, stuck } = this.#server.snapshot();
    const zombies = processTable().filter(
      ({ isZombie, parent }) => isZombie && parent === process.pid,
    );
    const problems = [
      threadsReady === THREADS ? '' : `${threadsReady} of ${THREADS} threads ready`,
      active === 0 ? '' : `${active} tasks in slots`,
      stuck === 0 ? '' : `${stuck} tasks stuck`,
      ...zombies.map(({ pid, command }) => `process ${pid} is left: ${command}`),
    ];
    return Promise.resolve({
      text: `${threadsReady}/${THREADS} threads`,
      problems: problems.filter((problem) => problem !== ''),
    });
  }

  takeFaults(): string[] {
    return this.#faults.splice(0);
  }

  supervisorMb(): undefined {
    return undefined;
  }

  async close(): Promise<string[]> {
    const { stillRunning } = await this.#server.shutdown();
    return stillRunning.map(({ id, type }) => `task ${id} (${type}) outlived the shutdown`);
  }
}
