/** Ties a child's server to its supervisor: tells what the supervisor must know, and does what it asks. */
import { type MetricsRecord, readMetrics } from '../metrics/aggregate.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { StuckReason } from '../policy/stop-reason.ts';
import type { Server } from '../runtime/server.ts';
import type { TaskRef } from '../task.ts';
import { journalKey } from '../threads/journal-record.ts';

import { healthFacts } from '../web/health-facts.ts';
import { BEAT_MS, type FromChild, type NamedTask, type ToChild } from './messages.ts';

/** What the link works with. */
export interface ChildLinkOptions {
  readonly server: Server;
  readonly metrics: Metrics;
  readonly isSolitary: boolean;
  /** Resolves when the message is on its way. */
  send(message: FromChild): Promise<void>;
  /** Ends the process once all is told. */
  leave(): void;
  /** Kills the process and all it started; for code that nothing else ends. */
  killAll(): void;
}

/** What finished outcomes may take before a stuck child is killed. */
const FLUSH_MS = 200;
/** A supervisor that does not kill a stuck child at shutdown in this time is gone. */
const KILL_MS = 1_000;
/** A retiring child looks this often whether its last task has ended. */
const DRAIN_MS = 50;

/** The link. */
export class ChildLink {
  readonly #options: ChildLinkOptions;
  #tasksDone = 0;
  #isEnding = false;
  #hasSucceeded = false;
  readonly #stuck = new Map<string, NamedTask & { readonly reason: StuckReason }>();
  #reporting: Promise<void> | undefined;

  constructor(options: ChildLinkOptions) {
    this.#options = options;
    this.#listen();
    setInterval(() => this.beat(), BEAT_MS).unref();
  }

  /** Whether it was told to end, or ends for another reason. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Gives a sign of life. */
  beat(): void {
    const { server, metrics, send } = this.#options;
    void send({
      kind: 'beat',
      facts: healthFacts(server, metrics),
      rssBytes: process.memoryUsage.rss(),
      tasksDone: this.#tasksDone,
    });
  }

  /** Does what the supervisor asks. */
  async receive(message: ToChild): Promise<void> {
    const { server, send } = this.#options;
    switch (message.kind) {
      case 'shutdown':
        return this.shutdown();
      case 'retire':
        return this.#retire();
      case 'pause':
        await server.stop();
        return this.beat();
      case 'scrape':
        return send({ kind: 'metrics', call: message.call, metrics: await this.#read() });
      case 'probe':
        this.beat();
        return send({ kind: 'probed', call: message.call });
      case 'adopt': {
        const isTaken = await server.adopt(message.suspect).catch(() => false);
        return send({ kind: 'adopted', call: message.call, isTaken });
      }
      default:
        return; // the others are answered before there is a link
    }
  }

  /** Ends in order, within the time that the settings give. */
  async shutdown(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { server, send, leave, killAll } = this.#options;
    const ending = server.shutdown();
    this.beat(); // from now on it is not ready
    const { stillRunning } = await ending;
    if (stillRunning.length > 0) {
      for (const task of stillRunning) this.#noteStuck(task, 'shutdown');
      await this.#reportStuck();
      setTimeout(killAll, KILL_MS); // an ordinary exit would wait for the stuck threads
      return;
    }
    await send({ kind: 'ended', metrics: await this.#read() });
    leave();
  }

  /** However long its tasks take: their own timeouts bound them. */
  async #retire(): Promise<void> {
    const { server } = this.#options;
    await server.stop();
    while (!this.#isEnding && server.snapshot().active > 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, DRAIN_MS);
      });
    }
    await this.shutdown();
  }

  #listen(): void {
    const { server } = this.#options;
    server.on('succeeded', () => {
      if (!this.#hasSucceeded) void this.#options.send({ kind: 'firstDone' });
      this.#hasSucceeded = true;
    });
    for (const name of ['succeeded', 'revoked', 'archived'] as const) {
      server.on(name, () => this.#onDone());
    }
    server.on('retried', ({ reason }) => (reason === 'put_off' ? this.#onFree() : this.#onDone()));
    server.on('requeued', () => this.#onFree());
    server.on('lost', () => this.#onFree());
    server.on('stuck', ({ task, reason }) => {
      this.#noteStuck(task, reason);
      void this.#reportStuck();
    });
    server.on('redis', () => this.beat());
  }

  #onDone(): void {
    this.#tasksDone += 1;
    this.#onFree();
  }

  /** The one suspect of a solitary child has ended. */
  #onFree(): void {
    const { server, isSolitary, send } = this.#options;
    if (isSolitary && server.snapshot().active === 0) void send({ kind: 'idle' });
  }

  #noteStuck({ queue, id: taskId }: TaskRef, reason: StuckReason): void {
    const key = journalKey({ queue, taskId });
    if (!this.#stuck.has(key)) this.#stuck.set(key, { queue, taskId, reason });
  }

  /** Writes what has ended, then asks to be killed; one report for all that are stuck by then. */
  #reportStuck(): Promise<void> {
    this.#reporting ??= this.#flushAndReport().finally(() => {
      this.#reporting = undefined;
    });
    return this.#reporting;
  }

  async #flushAndReport(): Promise<void> {
    const { server, send } = this.#options;
    // A task whose lease is over may run elsewhere by now: then there is no time for anything.
    const limitMs = this.#isLeaseLost() ? 0 : FLUSH_MS;
    await Promise.race([server.flush(), elapsed(limitMs)]).catch(() => undefined);
    const metrics = await Promise.race([this.#read(), elapsed(limitMs)]);
    // Others that were told to stop end with this process: each by its own reason.
    for (const { task, reason } of server.beingStopped()) this.#noteStuck(task, reason);
    const tasks = [...this.#stuck.values()];
    await send({ kind: 'stuck', tasks, ...(metrics === undefined ? {} : { metrics }) });
  }

  #isLeaseLost(): boolean {
    return [...this.#stuck.values()].some(({ reason }) => reason === 'lease_lost');
  }

  #read(): Promise<MetricsRecord> {
    return readMetrics(this.#options.metrics.registry);
  }
}

function elapsed(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
