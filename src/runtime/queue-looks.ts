/**
 * Looks at queues through a watch, for a duty that wants to be told of changes instead of asking again and again. Where
 * Redis refuses to tell there is no looking for a while, and everybody polls.
 */
import type { OnQueues, QueueWatch } from '../broker/broker.ts';
import { RedisReplyError } from '../errors.ts';
import { redisRefusal } from '../policy/redis-refusal.ts';

/** What it works with. */
export interface QueueLooksOptions {
  /** Makes the watch; `undefined` where there is none. */
  watch(onChange: OnQueues): QueueWatch | undefined;
  readonly onChange: OnQueues;
  /** Called once, with the refusal. */
  onRefused?(error: unknown): void;
}

/** A refusal may have been of the moment: during an outage one connection may name another that is gone. Milliseconds. */
const REFUSED_MS = 60_000;

/** Looks of one duty. */
export class QueueLooks {
  readonly #options: QueueLooksOptions;
  readonly #watch: QueueWatch | undefined;
  /** Of each look under way: the queues of which nothing was told since it began. */
  readonly #underWay = new Set<Set<string>>();
  #refusedAt: number | undefined;
  #isRefusalTold = false;

  constructor(options: QueueLooksOptions) {
    this.#options = options;
    this.#watch = options.watch((queues) => this.#onChange(queues));
  }

  /** Whether nothing is told, so that everybody has to ask. */
  get isBlind(): boolean {
    if (this.#watch === undefined) return true;
    return this.#refusedAt !== undefined && performance.now() - this.#refusedAt < REFUSED_MS;
  }

  /**
   * In how many milliseconds there is something to do in each of the queues, as `QueueWatch.arm` answers it. Queues that
   * changed meanwhile are left out, since nobody knows whether the look came before or after; all are, while it is blind.
   * Throws what `QueueWatch.arm` throws, but for a refusal.
   */
  async look(queues: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    if (this.#watch === undefined || this.isBlind || queues.length === 0) return found;
    const unchanged = new Set(queues);
    this.#underWay.add(unchanged);
    try {
      const waits = await this.#watch.arm(queues);
      this.#isRefusalTold = false;
      queues.forEach((queue, index) => {
        const waitMs = waits[index];
        if (unchanged.has(queue) && waitMs !== undefined) found.set(queue, waitMs);
      });
    } catch (error) {
      if (!(error instanceof RedisReplyError) || redisRefusal(error)) throw error;
      this.#refusedAt = performance.now();
      if (!this.#isRefusalTold) this.#options.onRefused?.(error);
      this.#isRefusalTold = true;
    } finally {
      this.#underWay.delete(unchanged);
    }
    return found;
  }

  #onChange(queues: readonly string[] | undefined): void {
    for (const unchanged of this.#underWay) {
      if (queues === undefined) unchanged.clear();
      else for (const queue of queues) unchanged.delete(queue);
    }
    this.#options.onChange(queues);
  }
}
