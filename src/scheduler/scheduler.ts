/** `Scheduler`: enqueues tasks again and again, each tick once, however many schedulers run. */
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { RedisOption } from '../broker/connection.ts';
import { createRedisBroker } from '../broker/redis-broker.ts';
import { resolveClientSettings } from '../config.ts';
import { findRedis } from '../embedded/find-redis.ts';
import { InvalidOptionsError, type OptionIssue, SchedulerStateError } from '../errors.ts';
import { componentLogger, createLogger } from '../logger.ts';
import type { ScheduleEntry } from '../policy/schedule-entry.ts';
import { checkSchedule, type ScheduleOptions } from '../policy/schedule-options.ts';
import type { Duration } from '../task.ts';
import type { SchedulerEvents, SchedulerListener } from './events.ts';
import { logSchedulerEvents } from './log-events.ts';
import { ScheduleRunner } from './schedule-runner.ts';

/** Options of `Scheduler`. */
export interface SchedulerOptions extends ScheduleOptions {
  /** A URL, ioredis options, or an ioredis instance that stays the caller's. Default: as for `Client`. */
  readonly redis?: RedisOption;
  /** How long a call waits for connection and reply, each. Default 5 s. */
  readonly connectTimeout?: Duration;
  /** Largest encoded payload in bytes. Default 16 MiB. */
  readonly maxPayloadSize?: number;
  /** A pino logger of the caller's. Default: JSON lines on stdout. */
  readonly logger?: Logger;
}

/** An entry as its scheduler sees it now. */
export interface ScheduledEntry {
  /** The same in every scheduler that has this entry, and after every restart. */
  readonly id: string;
  readonly name: string | undefined;
  readonly spec: string;
  readonly type: string;
  readonly queue: string;
  /** This scheduler enqueues its ticks; else another one does. */
  readonly isLed: boolean;
  /** Known where it is led; absent when there will be no further tick. */
  readonly nextTick?: Date;
  readonly previousTick?: Date;
}

/**
 * Enqueues periodic tasks. Any number may run on any number of machines: of those with the same entry one leads it, and
 * another takes over within about ten seconds when it dies, with the ticks that came due meanwhile.
 *
 * Errors: `InvalidOptionsError` from the constructor and `add`, listing every problem; `start` rejects with what its
 * provider threw, with `RedisUnreachableError`, `UnsupportedRedisError`, `NoRedisError` or `SchedulerStateError`.
 */
export class Scheduler {
  readonly #broker: Broker;
  readonly #runner: ScheduleRunner;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #stopping: Promise<void> | undefined;

  constructor(options: SchedulerOptions = {}) {
    const { redis, connectTimeout, maxPayloadSize, logger, ...rest } = options;
    const settings = resolveClientSettings({
      ...(redis === undefined ? {} : { redis }),
      ...(connectTimeout === undefined ? {} : { connectTimeout }),
      ...(maxPayloadSize === undefined ? {} : { maxPayloadSize }),
    });
    const issues: OptionIssue[] = [];
    const schedule = checkSchedule(rest, (path) => path, settings.maxPayloadSize, issues);
    if (schedule === undefined) throw new InvalidOptionsError(issues);
    const { connectTimeoutMs } = settings;
    this.#broker = createRedisBroker({ redis: redis ?? findRedis(), connectTimeoutMs });
    this.#runner = new ScheduleRunner({ broker: this.#broker, schedule, connectTimeoutMs });
    logSchedulerEvents(
      this.#runner.emitter,
      componentLogger(logger ?? createLogger({}), 'scheduler'),
    );
  }

  /** Begins; resolves when it leads what no other scheduler leads. Once per scheduler. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new SchedulerStateError('start()', this.#state);
    this.#state = 'running';
    try {
      await this.#runner.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends: what is on its way is awaited, and another scheduler may take over at once. Never rejects; may be repeated. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#stopping ??= this.#end();
    await this.#stopping;
  }

  async #end(): Promise<void> {
    await this.#runner.stop();
    await this.#broker.close();
  }

  /** Adds an entry, also while it runs; answers its ID. */
  add(entry: ScheduleEntry): string {
    if (this.#state === 'stopped') throw new SchedulerStateError('add()', this.#state);
    return this.#runner.add(entry);
  }

  /** Removes an entry that was given or added, by its ID or name; `false` when there is none. Others may still have it. */
  remove(idOrName: string): boolean {
    return this.#runner.remove(idOrName);
  }

  /** All entries, those of the provider too; empty before `start`. */
  entries(): ScheduledEntry[] {
    return this.#runner.states.map((state) => {
      const { entry, nextTickMs, previousTickMs } = state;
      const { id, name, spec, queue } = entry;
      const isLed = this.#runner.isLed(state);
      return {
        id,
        name,
        spec,
        type: entry.task.type,
        queue,
        isLed,
        ...(isLed && nextTickMs !== undefined ? { nextTick: new Date(nextTickMs) } : {}),
        ...(previousTickMs === undefined ? {} : { previousTick: new Date(previousTickMs) }),
      };
    });
  }

  on<Name extends keyof SchedulerEvents>(name: Name, listener: SchedulerListener<Name>): this {
    this.#runner.emitter.on(name, listener);
    return this;
  }

  off<Name extends keyof SchedulerEvents>(name: Name, listener: SchedulerListener<Name>): this {
    this.#runner.emitter.off(name, listener);
    return this;
  }
}
