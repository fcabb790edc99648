/**
 * Settles what a dead child held, and takes its server out of the fleet's view. Redis knows which tasks these are by
 * their owner; acting twice does no harm, since a settled task is not held any more.
 */
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import { toError } from '../errors.ts';
import type { ServerEmitter } from '../runtime/emitter.ts';
import { announce } from '../runtime/finisher.ts';
import type { UserHooks } from '../runtime/user-hooks.ts';
import { journalKey } from '../threads/journal-record.ts';
import type { Child, ChildEnd } from './child.ts';
import { type DeathRules, planDeath, type PlannedEnd } from './plan-death.ts';

/** What it works with. */
export interface DeathSettlerOptions extends DeathRules {
  readonly broker: Pick<Broker, 'heldTasks' | 'settle' | 'withdraw'>;
  readonly queues: readonly string[];
  readonly hooks: UserHooks;
  readonly emitter: ServerEmitter;
  readonly logger: Logger;
  readonly leaseDurationMs: number;
}

/** After the lease any server's recoverer takes over; it waits this long, as the protocol says. */
const RECOVERY_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

type ServerIdentity = NonNullable<Child['identity']>;

/** Settles deaths, one after the other or at once. */
export class DeathSettler {
  readonly #options: DeathSettlerOptions;
  #isClosed = false;
  readonly #pauses = new Set<() => void>();

  constructor(options: DeathSettlerOptions) {
    this.#options = options;
  }

  /**
   * Answers the settled tasks by `journalKey`. Repeats while Redis is away, until the leases are over, or until `close`.
   * Never rejects.
   */
  async settle(
    { pid: childPid, identity, startFailure }: Pick<Child, 'pid' | 'identity' | 'startFailure'>,
    end: ChildEnd,
  ): Promise<Set<string>> {
    const settled = new Set<string>();
    // It had no server yet, and no task; or a server that has given back itself what it held.
    if (identity === undefined || startFailure !== undefined) return settled;
    const { address } = identity;
    const { broker, queues, logger, leaseDurationMs } = this.#options;
    const giveUpAt = performance.now() + leaseDurationMs + RECOVERY_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs)) {
      try {
        await Promise.all(queues.map((queue) => this.#settleQueue(queue, identity, end, settled)));
        await broker.withdraw(address);
        return settled;
      } catch (thrown) {
        const err = toError(thrown);
        if (this.#isClosed || performance.now() > giveUpAt) {
          logger.error(
            { childPid, err },
            'what a dead child held is left to the recoverer, as Redis is not reachable',
          );
          return settled;
        }
        logger.debug({ childPid, err }, 'tasks of a dead child are not settled yet');
        await this.#pause(pauseMs);
      }
    }
  }

  /** Gives up what still waits. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#pauses) wake();
  }

  async #settleQueue(
    queue: string,
    { serverId, address }: ServerIdentity,
    end: ChildEnd,
    settled: Set<string>,
  ): Promise<void> {
    const { broker } = this.#options;
    const held = await broker.heldTasks(queue, serverId);
    const rules = { ...this.#options, address };
    const plans = held.flatMap((task) => planDeath(rules, queue, task, end) ?? []);
    const [first] = plans;
    if (first === undefined) return;
    const replies = await broker.settle({ queue, server: first.server, settlements: plans });
    plans.forEach((plan, index) => {
      if (replies[index] !== 'settled') return;
      settled.add(journalKey({ queue, taskId: plan.ended.task.id }));
      this.#say(plan);
    });
  }

  #say({ ended }: PlannedEnd): void {
    const { emitter, hooks } = this.#options;
    const { task, decision } = ended;
    if ('error' in decision) hooks.onError(decision.error, task);
    announce(emitter, ended);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#pauses.add(wake);
    });
  }
}
