/** `threadmill serve` with one child process, seen through its metrics, its log and the process table. */
import { ServeProcess } from '../bench/stop/serve-process.ts';
import { givenTimeOf } from '../test/helpers/given-time.ts';
import { sumBy, sumOf } from './metrics-text.ts';
import { descendants, processTable } from './process-table.ts';
import { type Counts, type Stage, THREADS } from './stage.ts';

/** What it is started with. */
export interface ServeStageOptions {
  readonly queue: string;
  readonly redisUrl: string;
  readonly handlers: string;
  /** Settings of its own. */
  readonly env: Readonly<Record<string, string>>;
}

const CANCEL_GRACE_MS = 50;
const SHUTDOWN_TIMEOUT_MS = 1_000;
/** What the end may take of the time that the machine gives, and what a busy machine may add. */
const END_LIMIT_MS = SHUTDOWN_TIMEOUT_MS + CANCEL_GRACE_MS + 1_000 + 1_000;

/** Failed tasks stay where they can be looked at. */
const CONFIG = "export default { retryDelay: () => '1h' };";

/** The stage. */
export class ServeStage implements Stage {
  readonly name = 'serve';
  readonly queue: string;
  readonly #serve: ServeProcess;
  readonly #faults: string[] = [];
  #url = '';

  private constructor({ queue, redisUrl, handlers, env }: ServeStageOptions) {
    this.queue = queue;
    this.#serve = new ServeProcess({
      config: CONFIG,
      env: {
        REDIS_URL: redisUrl,
        HANDLERS: handlers,
        QUEUES: queue,
        PROCESSES: '1',
        CONCURRENCY: String(THREADS),
        CANCEL_GRACE: String(CANCEL_GRACE_MS),
        SHUTDOWN_TIMEOUT: String(SHUTDOWN_TIMEOUT_MS),
        FORWARD_INTERVAL: '50',
        HTTP_PORT: '0',
        ...env,
      },
    });
    this.#serve.onLine(({ msg, where, err }) => {
      if (msg !== 'fault in the background') return;
      const { message } = err as { readonly message: string };
      this.#faults.push(`${String(where)}: ${message}`);
    });
  }

  /** Resolves when it takes tasks. */
  static async open(options: ServeStageOptions): Promise<ServeStage> {
    const stage = new ServeStage(options);
    const [{ url }] = await Promise.all([
      stage.#serve.says('HTTP server listens'),
      stage.#serve.says('started'),
    ]);
    stage.#url = String(url);
    return stage;
  }

  async counts(): Promise<Counts> {
    const text = await this.#metrics();
    return {
      reasons: sumBy(text, 'threadmill_failures_total', 'reason'),
      late: sumOf(text, 'threadmill_late_errors_total'),
    };
  }

  async strength(): Promise<{ text: string; problems: string[] }> {
    const text = await this.#metrics();
    const read = (name: string): number => sumOf(text, `threadmill_${name}`);
    const [children, ready] = [read('children'), read('children_ready')];
    const below = descendants(this.#serve.pid, processTable());
    const strangers = below.filter(
      ({ isZombie, parent }) => isZombie || parent !== this.#serve.pid,
    );
    const problems = [
      ready === 1 ? '' : `${ready} of 1 child processes ready`,
      children === 1 ? '' : `${children} child processes live`,
      read('threads_total') === THREADS ? '' : `${read('threads_total')} threads`,
      read('tasks_in_progress') === 0 ? '' : `${read('tasks_in_progress')} tasks in progress`,
      read('tasks_stuck') === 0 ? '' : `${read('tasks_stuck')} tasks stuck`,
      below.length === 1 + strangers.length ? '' : `${below.length} processes below it`,
      ...strangers.map(({ pid, command }) => `process ${pid} is left: ${command}`),
    ];
    const strength = `${ready}/1 processes, ${read('threads_total')}/${THREADS} threads`;
    return { text: strength, problems: problems.filter((problem) => problem !== '') };
  }

  takeFaults(): string[] {
    return this.#faults.splice(0);
  }

  supervisorMb(): number {
    return processTable().find(({ pid }) => pid === this.#serve.pid)?.rssMb ?? 0;
  }

  async close(): Promise<string[]> {
    const pids = descendants(this.#serve.pid, processTable()).map(({ pid }) => pid);
    const tookMs = await givenTimeOf(() => this.#serve.end(), [this.#serve.pid, ...pids]);
    const { code, signal, stderr } = await this.#serve.ended;
    const left = processTable().filter(({ pid, isZombie }) => pids.includes(pid) && !isZombie);
    return [
      code === 0 ? '' : `serve ended with ${code ?? signal}: ${stderr.trim()}`,
      tookMs < END_LIMIT_MS ? '' : `the shutdown took ${Math.round(tookMs)} ms`,
      ...left.map(({ pid, command }) => `process ${pid} outlived serve: ${command}`),
    ].filter((problem) => problem !== '');
  }

  async #metrics(): Promise<string> {
    return (await fetch(`${this.#url}/metrics`)).text();
  }
}
