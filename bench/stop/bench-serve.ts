/** A `threadmill serve` to be stopped, with the handlers of this folder, and a client beside it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/index.ts';
import { freshQueue } from '../contenders/queue-name.ts';
import { LIMIT_MS } from './limit.ts';
import { ServeProcess } from './serve-process.ts';

const HANDLERS = fileURLToPath(new URL('./handlers', import.meta.url));

/** What its settings are, so that they can be taken off what was measured. */
export const CANCEL_GRACE_MS = 50;
export const SHUTDOWN_TIMEOUT_MS = 100;

/** Between "a thread has begun the task" and "its native call is under way". */
const INTO_CALL_MS = 50;
const POLL_MS = 1;

/** One child process with one thread. */
export class BenchServe {
  readonly serve: ServeProcess;
  readonly #client: Client;
  readonly #queue = freshQueue();

  private constructor(redisUrl: string) {
    this.#client = new Client({ redis: redisUrl });
    this.serve = new ServeProcess({
      env: {
        REDIS_URL: redisUrl,
        HANDLERS,
        QUEUES: this.#queue,
        CONCURRENCY: '1',
        HTTP_PORT: 'off',
        LOG_LEVEL: 'debug',
        CANCEL_GRACE: `${CANCEL_GRACE_MS}`,
        SHUTDOWN_TIMEOUT: `${SHUTDOWN_TIMEOUT_MS}`,
      },
    });
  }

  /** Resolves when it takes tasks. */
  static async start(redisUrl: string): Promise<BenchServe> {
    const bench = new BenchServe(redisUrl);
    await bench.serve.says('started');
    return bench;
  }

  /** Enqueues a task; resolves with its ID when it is under way. */
  async begin(type: 'native'): Promise<string> {
    const started = this.serve.says('task started');
    const id = await this.#enqueue(type);
    await started;
    await sleep(INTO_CALL_MS);
    return id;
  }

  /**
   * Has a task done, and answers the child's process ID. Needed before each death: children that die with nothing done
   * are replaced more and more slowly.
   */
  async doOne(): Promise<number> {
    const done = this.serve.says('task succeeded');
    await this.#enqueue('ok');
    const { pid } = await done;
    return Number(pid);
  }

  cancel(id: string): Promise<number> {
    return this.#client.cancel(id);
  }

  /** Resolves when Redis says that the task has been given up. */
  async archived(id: string): Promise<void> {
    const giveUpAt = performance.now() + LIMIT_MS;
    while ((await this.#client.getTask({ queue: this.#queue, id }))?.state !== 'archived') {
      if (performance.now() > giveUpAt) throw new Error('the canceled task was not settled');
      await sleep(POLL_MS);
    }
  }

  /** Ends it, and the client. */
  async close(): Promise<void> {
    await this.serve.end();
    await this.#client.close();
  }

  async #enqueue(type: string): Promise<string> {
    const { id } = await this.#client.enqueue({ type }, { queue: this.#queue, maxRetry: 0 });
    return id;
  }
}
