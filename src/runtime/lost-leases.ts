/**
 * Gives back what was leased by a call whose reply was lost: tasks that bear our token, with a run that nobody here knows.
 * They go to the front of their queue and spend nothing. The call may still lie in a socket and be carried out later, so
 * the look is repeated for as long as its leases could last; after that any recoverer does the same.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { ActiveTasks } from './active-tasks.ts';
import { every } from './every.ts';
import type { Service } from './service.ts';

/** What it works with. */
export interface LostLeasesOptions {
  readonly broker: Pick<Broker, 'heldRuns' | 'settle'>;
  readonly active: Pick<ActiveTasks, 'get'>;
  readonly clock: Clock;
  readonly serverId: string;
  readonly leaseDurationMs: number;
  onFault(where: string, error: unknown): void;
}

interface LostCall {
  readonly queue: string;
  readonly firstRun: number;
  readonly count: number;
  readonly untilMonotonicMs: number;
}

const INTERVAL_MS = 1_000;

/** Lost calls of one server. */
export class LostLeases implements Service {
  readonly name = 'lost leases';
  readonly #options: LostLeasesOptions;
  readonly #loop: Service;
  #calls: LostCall[] = [];

  constructor(options: LostLeasesOptions) {
    this.#options = options;
    this.#loop = every({
      name: this.name,
      intervalMs: INTERVAL_MS,
      run: () => this.#look(),
      onFault: options.onFault,
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#look().catch((error: unknown) => this.#options.onFault(this.name, error));
  }

  /** Nobody knows whether this call was carried out. */
  add(call: Pick<LostCall, 'queue' | 'firstRun' | 'count'>): void {
    const { clock, leaseDurationMs } = this.#options;
    this.#calls.push({ ...call, untilMonotonicMs: clock.monotonicMs() + leaseDurationMs });
  }

  async #look(): Promise<void> {
    if (this.#calls.length === 0) return;
    const queues = new Set(this.#calls.map(({ queue }) => queue));
    await Promise.all([...queues].map((queue) => this.#giveBack(queue)));
    const now = this.#options.clock.monotonicMs();
    this.#calls = this.#calls.filter(({ untilMonotonicMs }) => untilMonotonicMs > now);
  }

  async #giveBack(queue: string): Promise<void> {
    const { broker, active, serverId } = this.#options;
    const held = await broker.heldRuns(queue, serverId);
    const lost = held.filter(
      ({ run }) => this.#isLost(queue, run) && active.get(run) === undefined,
    );
    const [first] = lost;
    if (first === undefined) return;
    const settlements = lost.map(({ id, run }) => {
      return { run, settlement: { kind: 'requeue', id } as const };
    });
    await broker.settle({ queue, server: first.server, settlements });
  }

  #isLost(queue: string, run: number): boolean {
    return this.#calls.some((call) => {
      return call.queue === queue && run >= call.firstRun && run < call.firstRun + call.count;
    });
  }
}
