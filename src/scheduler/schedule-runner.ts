/** Runs a schedule over a broker that somebody else opens and closes: what `Scheduler` and `threadmill serve` share. */
import { randomUUID } from 'node:crypto';
import type { Broker } from '../broker/broker.ts';
import { systemClock } from '../clock.ts';
import { Enqueuer } from '../enqueuer.ts';
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';
import { type CheckedEntry, checkEntries, checkEntry } from '../policy/schedule-entry.ts';
import type { CheckedSchedule } from '../policy/schedule-options.ts';
import { every } from '../runtime/every.ts';
import { hostName } from '../runtime/heartbeat.ts';
import type { Service } from '../runtime/service.ts';
import type { EntryState } from './entry-state.ts';
import { SchedulerEmitter } from './events.ts';
import { Ticker } from './ticker.ts';

/** What it works with. */
export interface ScheduleRunnerOptions {
  readonly broker: Pick<
    Broker,
    'check' | 'enqueue' | 'lead' | 'listSchedule' | 'unlistSchedule' | 'noteEnqueue'
  >;
  readonly schedule: CheckedSchedule;
  readonly connectTimeoutMs: number;
  readonly emitter?: SchedulerEmitter;
  /** How long a leader that died is waited for, in milliseconds. Default 10 s; tests shorten it. */
  readonly leadMs?: number;
}

const LEAD_MS = 10_000;
/** A call with a tick takes no longer than this part of a lead, so that it ends before the lead does. */
const LONGEST_CALL = 0.3;

/** One scheduler. */
export class ScheduleRunner implements Service {
  readonly name = 'scheduler';
  readonly emitter: SchedulerEmitter;
  /** `host:pid:uuid`. */
  readonly address: string;
  readonly #options: ScheduleRunnerOptions;
  readonly #ticker: Ticker;
  readonly #provider: Service;
  /** Of the constructor, and those that were added by hand. */
  #own: readonly CheckedEntry[];
  #provided: readonly CheckedEntry[] = [];
  #isStopped = false;

  constructor(options: ScheduleRunnerOptions) {
    const { broker, schedule, connectTimeoutMs, leadMs = LEAD_MS } = options;
    this.#options = options;
    this.emitter = options.emitter ?? new SchedulerEmitter();
    this.address = `${hostName()}:${process.pid}:${randomUUID()}`;
    this.#own = schedule.entries;
    const { maxPayloadSize } = schedule;
    const withinMs = Math.min(connectTimeoutMs, LONGEST_CALL * leadMs);
    this.#ticker = new Ticker({
      broker,
      enqueuer: new Enqueuer({ broker, connectTimeoutMs: withinMs, maxPayloadSize }),
      emitter: this.emitter,
      clock: systemClock,
      scheduler: this.address,
      leadMs,
    });
    this.#provider = every({
      name: 'schedule provider',
      intervalMs: schedule.providerIntervalMs,
      run: () => this.#ask(),
      onFault: (where, error) => this.emitter.fault(where, error),
    });
  }

  /** Rejects with what the provider threw, with `InvalidOptionsError` for its entries, or as Redis cannot be asked. */
  async start(): Promise<void> {
    await this.#options.broker.check();
    await this.#ask();
    if (this.#isStopped) return;
    await this.#ticker.start();
    if (this.#options.schedule.provider === undefined || this.#isStopped) return;
    await this.#provider.start();
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    void this.#provider.stop(); // nobody knows when the provider answers; nothing comes of it any more
    await this.#ticker.stop();
  }

  /** Adds an entry; answers its ID. Throws `InvalidOptionsError`. */
  add(given: unknown): string {
    const issues: OptionIssue[] = [];
    const entry = checkEntry(given, 'entry', this.#options.schedule, issues);
    const twin = [...this.#own, ...this.#provided].find(({ id }) => id === entry?.id);
    if (entry !== undefined && twin !== undefined) {
      const accepts = 'an entry that is not there yet; a name tells two that are equal apart';
      issues.push({ name: 'entry', value: entry.name ?? entry.spec, accepts });
    }
    if (entry === undefined || issues.length > 0) throw new InvalidOptionsError(issues, 'entry');
    this.#own = [...this.#own, entry];
    this.#apply();
    return entry.id;
  }

  /** Removes an entry of the constructor or of `add`, by ID or name; `false` when there is none. */
  remove(idOrName: string): boolean {
    const rest = this.#own.filter(({ id, name }) => id !== idOrName && name !== idOrName);
    if (rest.length === this.#own.length) return false;
    this.#own = rest;
    this.#apply();
    return true;
  }

  get states(): readonly EntryState[] {
    return this.#ticker.states;
  }

  isLed(state: EntryState): boolean {
    return this.#ticker.isLed(state);
  }

  /** All of an answer, or nothing of it. */
  async #ask(): Promise<void> {
    const { provider } = this.#options.schedule;
    if (provider !== undefined) {
      const issues: OptionIssue[] = [];
      const list: unknown = await provider();
      if (this.#isStopped) return;
      const place = "the provider's entries";
      const provided = checkEntries(list, place, this.#options.schedule, issues);
      if (issues.length > 0) throw new InvalidOptionsError(issues, 'schedule');
      this.#provided = provided;
    }
    this.#apply();
  }

  /** Where both declare the same entry, that of the code stays. */
  #apply(): void {
    const own = new Set(this.#own.map(({ id }) => id));
    this.#ticker.setEntries([...this.#own, ...this.#provided.filter(({ id }) => !own.has(id))]);
  }
}
