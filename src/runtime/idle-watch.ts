/**
 * How the dispatcher waits when there was nothing to lease: it has Redis tell it of a change, and looks now and then all
 * the same. Where Redis refuses to tell, it polls, and asks again now and then.
 */
import type { QueueWatch } from '../broker/broker.ts';
import { RedisReplyError } from '../errors.ts';
import { redisRefusal } from '../policy/redis-refusal.ts';

/** What the idle watch works with. */
export interface IdleWatchOptions {
  /** Without one it polls. */
  readonly watch: QueueWatch | undefined;
  readonly queues: readonly string[];
  readonly pollIntervalMs: number;
  readonly random: () => number;
  onFault(where: string, error: unknown): void;
}

/** With a watch armed, polls are a safety net and come this much more seldom. */
const ARMED_FACTOR = 10;
/**
 * Of many idle servers a single task wakes all and serves one. Those that found nothing wait a random while before they
 * have themselves woken again, longer each time in a row, so that a busy queue is not asked by all after each task.
 */
const FIRST_MISS_MS = 5;
const LONGEST_MISS_MS = 500;
/** A refusal may have been of the moment: during an outage one connection may name another that is gone. Milliseconds. */
const REFUSED_MS = 60_000;

/** Decides how long to sleep; a change wakes the sleeper. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  #isArmed = false;
  #refusedAt: number | undefined;
  #isRefusalTold = false;
  #missMs = FIRST_MISS_MS;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
  }

  /** There was something: look again at once. Answers the pause, 0. */
  onWork(): number {
    this.#isArmed = false;
    this.#missMs = FIRST_MISS_MS;
    return 0;
  }

  /** There was nothing. Answers the pause in milliseconds, during which a change may wake the sleeper. */
  async onNothing(): Promise<number> {
    const { watch, pollIntervalMs } = this.#options;
    if (watch === undefined || this.#isRefused()) return this.#jittered(pollIntervalMs);
    if (this.#isArmed) return this.#missed();
    try {
      const hasWork = await watch.arm(this.#options.queues);
      this.#isArmed = !hasWork;
      this.#isRefusalTold = false;
      return hasWork ? 0 : this.#jittered(pollIntervalMs * ARMED_FACTOR);
    } catch (error) {
      if (!(error instanceof RedisReplyError) || redisRefusal(error)) throw error;
      this.#refusedAt = performance.now();
      if (!this.#isRefusalTold) {
        this.#options.onFault('watch of the queues refused: polling instead', error);
      }
      this.#isRefusalTold = true;
      return this.#jittered(pollIntervalMs);
    }
  }

  #isRefused(): boolean {
    return this.#refusedAt !== undefined && performance.now() - this.#refusedAt < REFUSED_MS;
  }

  /** Woken or timed out, and found nothing: the arming is used up. */
  #missed(): number {
    this.#isArmed = false;
    const pauseMs = this.#options.random() * this.#missMs;
    this.#missMs = Math.min(this.#missMs * 2, LONGEST_MISS_MS);
    return pauseMs;
  }

  #jittered(ms: number): number {
    return ms * (0.5 + this.#options.random());
  }
}
