/**
 * Enqueues the known set over the run, as a careful producer does: what may have been lost is sent again under its ID,
 * unless the task is deleted when it is done: then its ID says nothing, and a repeat could run it twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  EnqueueUncertainError,
  RedisReplyError,
  RedisUnreachableError,
  TaskIdConflictError,
} from '../../src/index.ts';
import { monotonicMs } from './records.ts';
import type { KnownTask } from './task-set.ts';

/** What became of the enqueueing. */
export interface Produced {
  /** Keys of the tasks that were acknowledged. */
  readonly stored: ReadonlySet<number>;
  /** Keys of tasks that may be stored or not: the reply was lost, and a repeat would not be safe. */
  readonly perhaps: ReadonlySet<number>;
  /** Answers that no producer should get. */
  readonly wrong: readonly string[];
  /** Repeats after a lost reply. */
  readonly uncertain: number;
}

/** A repeat comes so late. */
const REPEAT_MS = 150;
const TIMEOUT_MS = 2_000;

/** The producer, with two clients: one that always reaches Redis, one behind a proxy. */
export class Producer {
  readonly #direct: Client;
  readonly #proxied: Client;
  readonly #stored = new Set<number>();
  readonly #perhaps = new Set<number>();
  readonly #wrong: string[] = [];
  #uncertain = 0;

  /** Both URLs follow the master. */
  constructor(directUrl: string, proxiedUrl: string) {
    this.#direct = new Client({ redis: directUrl, connectTimeout: TIMEOUT_MS });
    this.#proxied = new Client({ redis: proxiedUrl, connectTimeout: TIMEOUT_MS });
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
    return {
      stored: this.#stored,
      perhaps: this.#perhaps,
      wrong: this.#wrong,
      uncertain: this.#uncertain,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#direct.close(), this.#proxied.close()]);
  }

  async #store(task: KnownTask, isOver: AbortSignal): Promise<void> {
    const client = task.isProxied ? this.#proxied : this.#direct;
    let mayBeStored = false;
    while (!isOver.aborted) {
      try {
        await client.enqueue({ type: task.type, payload: task.deed }, task.options);
        this.#stored.add(task.key);
        return;
      } catch (error) {
        if (error instanceof TaskIdConflictError) {
          this.#stored.add(task.key);
          if (!mayBeStored) this.#wrong.push(`${task.id} conflicts with itself`);
          return;
        }
        if (error instanceof EnqueueUncertainError) {
          mayBeStored = true;
          this.#uncertain += 1;
          if (task.end === 'gone') {
            this.#perhaps.add(task.key);
            return;
          }
        } else if (!isOutage(error)) {
          this.#wrong.push(`${task.id}: ${String(error)}`);
        }
      }
      await sleep(REPEAT_MS);
    }
  }
}

/** Redis is away, or the one that answers is no master any more. */
function isOutage(error: unknown): boolean {
  return error instanceof RedisUnreachableError || error instanceof RedisReplyError;
}
