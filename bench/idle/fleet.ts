/**
 * Many servers on one queue, reduced to what Redis sees of them while they wait: each has a broker and a dispatcher of its
 * own, and does no-op tasks by settling them. Whole servers with threads would not fit on one machine.
 */
import type { Broker } from '../../src/broker/broker.ts';
import { createRedisBroker } from '../../src/broker/redis-broker.ts';
import { systemClock } from '../../src/clock.ts';
import { ActiveTasks } from '../../src/runtime/active-tasks.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { ServerEmitter } from '../../src/runtime/emitter.ts';
import type { Intake, LeasedBatch } from '../../src/runtime/intake.ts';
import { RunNumbers } from '../../src/runtime/run-numbers.ts';

const CONCURRENCY = 2;
const LEASE_MS = 30_000;
const POLL_MS = 200;

/** The fleet. */
export class IdleFleet {
  readonly #members: readonly { dispatcher: Dispatcher; broker: Broker }[];
  #onSettled: () => void = () => undefined;
  #onError: (error: unknown) => void = () => undefined;

  constructor(redisUrl: string, queue: string, size: number) {
    this.#members = Array.from({ length: size }, (_, index) =>
      this.#member(redisUrl, queue, `bench-${index}`),
    );
    for (const { dispatcher } of this.#members) dispatcher.start();
  }

  /** Resolves when the next task is settled. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onSettled = resolve;
      this.#onError = reject;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ dispatcher }) => dispatcher.stop()));
    await Promise.all(this.#members.map(({ broker }) => broker.close()));
  }

  #member(
    redisUrl: string,
    queue: string,
    serverName: string,
  ): { dispatcher: Dispatcher; broker: Broker } {
    const broker = createRedisBroker({ redis: redisUrl, connectTimeoutMs: 10_000 });
    const emitter = new ServerEmitter();
    emitter.on('fault', ({ error }) => this.#onError(error));
    const active = new ActiveTasks();
    const intake: Pick<Intake, 'accept' | 'giveBack'> = {
      accept: (batch) => void this.#settle(broker, serverName, batch),
      giveBack: () => undefined,
    };
    const dispatcher = new Dispatcher({
      broker,
      intake: intake as Intake,
      emitter,
      active,
      clock: systemClock,
      queues: { [queue]: 1 },
      strictPriority: false,
      concurrency: CONCURRENCY,
      leaseDurationMs: LEASE_MS,
      pollIntervalMs: POLL_MS,
      serverName,
      runs: new RunNumbers(active),
      hooks: { mayLease: () => Promise.resolve(true) },
      notes: { dueIn: () => [], noted: () => undefined },
      lostLeases: { add: () => undefined },
      finisher: { giveBack: () => undefined },
      withdraw: () => false,
      returned: { next: undefined, onReply: () => undefined },
      isHeld: () => false,
    });
    return { dispatcher, broker };
  }

  async #settle(broker: Broker, server: string, { queue, tasks }: LeasedBatch): Promise<void> {
    if (tasks.length === 0) return;
    try {
      const settlements = tasks.map(({ id, run }) => {
        return { run, settlement: { kind: 'done', id, uniqueKey: '' } as const };
      });
      await broker.settle({ queue, server, settlements });
      this.#onSettled();
    } catch (error) {
      this.#onError(error);
    }
  }
}
