/**
 * What every server does for the groups of its queues, whether it aggregates or not (protocol 10.4): gives back what lost
 * servers had staged, deletes what lost servers had aggregated, and registers groups again that Go servers have hidden.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import { QuietQueues } from './quiet-queues.ts';
import type { Service } from './service.ts';

/** What it works with. */
export interface GroupUpkeepOptions {
  readonly broker: Pick<
    Broker,
    'watchQueues' | 'reclaimGroups' | 'sweepLeftovers' | 'rescueGroups'
  >;
  readonly queues: readonly string[];
  readonly intervalMs: number;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
}

/** Sets that went stale while Redis was away say nothing about their servers, which are given time to come back. */
const AFTER_OUTAGE_MS = 3_000;
/** How often it looks for what is rare. */
const RARELY_MS = 30_000;
/** Names that are remembered of each queue: those that were seen last. */
const MOST_NAMES = 1_000;

/** Gives back, deletes and registers. */
export class GroupUpkeep implements Service {
  readonly name = 'group upkeep';
  readonly #options: GroupUpkeepOptions;
  readonly #loop: Service;
  readonly #quiet: QuietQueues;
  readonly #names = new Map<string, Set<string>>();
  #notBeforeMonotonicMs = 0;
  #rareMonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(options: GroupUpkeepOptions) {
    const { intervalMs, emitter, clock } = options;
    this.#options = options;
    this.#quiet = new QuietQueues({ ...options, duty: 'reclaim' });
    emitter.on('redis', ({ isUp }) => {
      if (isUp) this.#notBeforeMonotonicMs = clock.monotonicMs() + AFTER_OUTAGE_MS;
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

  /** A group that there is: should its name get lost, it is registered again while tasks wait in it. */
  remember(queue: string, group: string): void {
    const names = this.#names.get(queue) ?? new Set();
    this.#names.set(queue, names);
    names.delete(group); // so that it becomes the youngest
    names.add(group);
    const [oldest] = names;
    if (names.size > MOST_NAMES && oldest !== undefined) names.delete(oldest);
  }

  async #run(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    if (now < this.#notBeforeMonotonicMs) return;
    const due = await this.#quiet.due();
    await Promise.all(due.map((queue) => this.#reclaim(queue)));
    if (now < this.#rareMonotonicMs + RARELY_MS) return;
    this.#rareMonotonicMs = now;
    await Promise.all(due.map((queue) => this.#sweep(queue)));
    await Promise.all([...this.#names].map((each) => this.#rescue(...each)));
  }

  async #reclaim(queue: string): Promise<void> {
    const { broker, emitter } = this.#options;
    for (;;) {
      const reclaimed = await broker.reclaimGroups(queue);
      if (reclaimed === undefined) return;
      const { group, count, dropped } = reclaimed;
      for (const taskId of dropped) emitter.emit('dropped', { queue, taskId });
      if (count === 0) continue;
      this.remember(queue, group);
      emitter.emit('reclaimed', { group: { queue, name: group }, count });
    }
  }

  async #sweep(queue: string): Promise<void> {
    while (await this.#options.broker.sweepLeftovers(queue));
  }

  async #rescue(queue: string, names: ReadonlySet<string>): Promise<void> {
    await this.#options.broker.rescueGroups(queue, [...names]);
  }
}
