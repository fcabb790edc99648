/** Enqueues the known set over the run, as a careful producer does: what may have been lost is sent again by its ID. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '../../src/index.ts';
import { monotonicMs } from './records.ts';
import type { KnownTask } from './task-set.ts';

/** What became of the enqueueing. */
export interface Produced {
  /** Keys of the tasks that were acknowledged. */
  readonly stored: ReadonlySet<number>;
  /** Answers that no producer should get. */
  readonly wrong: readonly string[];
  /** Repeats after a lost reply. */
  readonly uncertain: number;
}

/** A repeat comes so late. */
const REPEAT_MS = 150;
const TIMEOUT_MS = 2_000;
/** Redis is away, or the one that answers is no master any more. */
const OUTAGES: ReadonlySet<string> = new Set(['ERR_REDIS_UNREACHABLE', 'ERR_REDIS_REPLY']);

/** The producer, with two clients: one that always reaches Redis, one behind a proxy. */
export class Producer {
  readonly #direct: Client;
  readonly #proxied: Client;
  readonly #stored = new Set<number>();
  readonly #wrong: string[] = [];
  #uncertain = 0;

  private constructor(direct: Client, proxied: Client) {
    this.#direct = direct;
    this.#proxied = proxied;
  }

  /** Both URLs follow the master. `dist`: the compiled code whose client is used, as it may be a sabotaged copy. */
  static async open(dist: string, directUrl: string, proxiedUrl: string): Promise<Producer> {
    const url = pathToFileURL(join(dist, 'src', 'index.js')).href;
    const { Client: Made } = (await import(url)) as typeof import('../../src/index.ts');
    const open = (redis: string): Client => new Made({ redis, connectTimeout: TIMEOUT_MS });
    return new Producer(open(directUrl), open(proxiedUrl));
  }

  /** Resolves when all are stored; nothing more is sent once it is over. */
  async run(
    tasks: readonly KnownTask[],
    startedAt: number,
    isOver: AbortSignal,
  ): Promise<Produced> {
    const sent: Promise<void>[] = [];
    for (const task of tasks) {
      const waitMs = startedAt + task.at - monotonicMs();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: isOver }).catch(() => undefined);
      if (isOver.aborted) break;
      sent.push(this.#store(task, isOver));
    }
    await Promise.all(sent);
    return { stored: this.#stored, wrong: this.#wrong, uncertain: this.#uncertain };
  }

  async close(): Promise<void> {
    await Promise.all([this.#direct.close(), this.#proxied.close()]);
  }

  async #store(task: KnownTask, isOver: AbortSignal): Promise<void> {
    const client = task.isProxied ? this.#proxied : this.#direct;
    while (!isOver.aborted) {
      try {
        await client.enqueue({ type: task.type, payload: task.deed }, task.options);
        this.#stored.add(task.key);
        return;
      } catch (error) {
        const { code } = error as { readonly code?: string };
        if (code === 'ERR_ENQUEUE_UNCERTAIN') this.#uncertain += 1;
        else if (code === undefined || !OUTAGES.has(code)) {
          // A conflict as well: its ID is its own, so that it could only conflict with itself.
          this.#wrong.push(`enqueueing ${task.id}: ${String(error)}`);
          return;
        }
      }
      await sleep(REPEAT_MS);
    }
  }
}
