/**
 * Recovers tasks whose server is lost, which is certain only when Redis's clock has passed the end of their lease: by a
 * little where it is one of ours, by the protocol's 30 s otherwise (16.8). Never because a heartbeat is missing: such keys
 * are evicted, and end in every longer outage.
 */
import type { Broker, LostTask, Recovery, SettleReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import { announceRecovery, planRecovery, type RecoveryRules } from './recover-tasks.ts';
import { QuietQueues } from './quiet-queues.ts';
import type { Service } from './service.ts';
import { UnleasedWatch } from './unleased-watch.ts';

/** What the recoverer works with. */
export interface RecovererOptions extends RecoveryRules {
  readonly broker: Pick<
    Broker,
    'watchQueues' | 'expiredLeases' | 'settleExpired' | 'unleased' | 'lostTasks' | 'settleUnleased'
  >;
  readonly queues: readonly string[];
  readonly intervalMs: number;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
}

/**
 * After an outage nobody is recovered for so long: leases that ended while Redis was away say nothing about their owners,
 * who write the outcomes of what has ended meanwhile as soon as they are back themselves.
 */
const AFTER_OUTAGE_MS = 3_000;
/** Tasks without lease whose messages are in memory at once: they may be of any size. */
const AT_ONCE = 8;
/** An answer that takes so long was held up by an outage. */
const SLOW_MS = 1_000;

/** The service that recovers tasks; first at start. */
export class Recoverer implements Service {
  readonly name = 'recoverer';
  readonly #options: RecovererOptions;
  readonly #loop: Service;
  readonly #unleased: ReadonlyMap<string, UnleasedWatch>;
  readonly #quiet: QuietQueues;
  #notBeforeMonotonicMs = 0;

  constructor(options: RecovererOptions) {
    const { queues, intervalMs, emitter } = options;
    this.#options = options;
    this.#quiet = new QuietQueues({ ...options, duty: 'recover' });
    this.#unleased = new Map(queues.map((queue) => [queue, new UnleasedWatch()]));
    emitter.on('redis', ({ isUp }) => {
      if (isUp) this.#pause();
    });
    this.#loop = every({
      name: this.name,
      intervalMs,
      isImmediate: true,
      run: () => this.#run(),
      onFault: (where, error) => emitter.fault(where, error),
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #run(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    if (now < this.#notBeforeMonotonicMs) return;
    const due = await this.#unlessAway(() => this.#quiet.due());
    await Promise.all(due.map((queue) => this.#recoverQueue(queue, now)));
  }

  async #recoverQueue(queue: string, now: number): Promise<void> {
    await this.#recoverExpired(queue);
    const watch = this.#unleased.get(queue);
    if (watch?.isDue(now) === true) await this.#recoverUnleased(queue, watch, now);
  }

  async #recoverExpired(queue: string): Promise<void> {
    const { broker } = this.#options;
    for (;;) {
      const expired = await this.#unlessAway(() => broker.expiredLeases(queue));
      const replies = await this.#settle(queue, expired, (recoveries) => {
        return broker.settleExpired(queue, recoveries);
      });
      // None: there are no more, or another server was faster, or their owners came back in time.
      if (!replies.includes('settled')) return;
    }
  }

  async #recoverUnleased(queue: string, watch: UnleasedWatch, now: number): Promise<void> {
    const { broker } = this.#options;
    const due = watch.look(await this.#unlessAway(() => broker.unleased(queue)), now);
    for (let at = 0; at < due.length; at += AT_ONCE) {
      const lost = await broker.lostTasks(queue, due.slice(at, at + AT_ONCE));
      await this.#settle(queue, lost, (recoveries) => broker.settleUnleased(queue, recoveries));
    }
  }

  /** Nothing, and nothing for a while, when Redis lets the call wait or fail: it may have been away for others as well. */
  async #unlessAway<Found>(look: () => Promise<readonly Found[]>): Promise<readonly Found[]> {
    const { clock } = this.#options;
    const askedAt = clock.monotonicMs();
    let hasAnswered = false;
    try {
      const found = await look();
      const now = clock.monotonicMs();
      hasAnswered = now - askedAt < SLOW_MS;
      // Redis may have come back while the call waited for it: the pause that began then is for this answer, too.
      return hasAnswered && now >= this.#notBeforeMonotonicMs ? found : [];
    } finally {
      if (!hasAnswered) this.#pause();
    }
  }

  #pause(): void {
    this.#notBeforeMonotonicMs = this.#options.clock.monotonicMs() + AFTER_OUTAGE_MS;
  }

  async #settle(
    queue: string,
    lost: readonly LostTask[],
    write: (recoveries: Recovery[]) => Promise<SettleReply[]>,
  ): Promise<SettleReply[]> {
    if (lost.length === 0) return [];
    const plans = lost.map((task) => planRecovery(this.#options, queue, task));
    const replies = await write(
      plans.map(({ settlement, attempt }, index) => {
        return { token: lost[index]?.token, settlement, ...(attempt && { attempt }) };
      }),
    );
    plans.forEach((plan, index) => {
      if (replies[index] === 'settled') announceRecovery(this.#options.emitter, plan);
    });
    return replies;
  }
}
