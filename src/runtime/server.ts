/** `Server`: leases tasks from Redis and runs them in worker threads. The composition root of the runtime. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Broker, QueueInfo } from '../broker/broker.ts';
import { createRedisBroker } from '../broker/redis-broker.ts';
import { systemClock } from '../clock.ts';
import { resolveServerSettings, type ServerOptions, type ServerSettings } from '../config.ts';
import { redisFor, type RedisInUse } from '../embedded/redis-for.ts';
import { ServerStateError, toError } from '../errors.ts';
import { createLogger } from '../logger.ts';
import { handlerBounds } from '../policy/handler-bounds.ts';
import type { TaskRef } from '../task.ts';
import type { HandlerReport, StopReason } from '../threads/messages.ts';
import { createGroupRegistry, createRegistry } from '../threads/registry.ts';
import { scanHandlers } from '../threads/scan-handlers.ts';
import { compose, type Composition } from './compose.ts';
import { ServerEmitter, type ServerListener } from './emitter.ts';
import type { ServerEvents } from './events.ts';
import { addressOf, type Identity, identify, type PublishedStatus } from './heartbeat.ts';
import type { ServerInternals } from './internals.ts';
import { logEvents } from './log-events.ts';
import { runUntilSignal } from './signals.ts';
import { logStart } from './log-start.ts';
import {
  type ServerSnapshot,
  type ServerStatus,
  type ShutdownReport,
  snapshotOf,
} from './server-snapshot.ts';
import { startServices, stopServices } from './services.ts';
import type { Suspect } from './supervised.ts';

/**
 * A server. Options and their defaults: `ServerOptions`; wrong ones throw `InvalidOptionsError` here, all at once.
 * Events: `ServerEvents`.
 */
export class Server {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  /** UUID of this server: its name in Redis, and the owner of its leases. */
  readonly serverId: string = randomUUID();
  readonly #options: ServerOptions;
  readonly #internals: ServerInternals;
  readonly #emitter = new ServerEmitter();
  readonly #identity: Identity;
  #status: ServerStatus = 'new';
  #redis: RedisInUse | undefined;
  #broker: Broker | undefined;
  #inside: Composition | undefined;
  #reports: readonly HandlerReport[] = [];
  /** Ends, never rejecting, when `start()` has ended. */
  #starting: Promise<void> = Promise.resolve();
  #shutdown: Promise<ShutdownReport> | undefined;

  /** `internals` are not for users. */
  constructor(options: ServerOptions, internals: ServerInternals = {}) {
    this.#internals = internals;
    this.settings = resolveServerSettings(options);
    this.#options = options;
    this.#identity = identify(this.serverId, internals.supervised !== undefined);
    const logger = options.logger ?? createLogger({ level: this.settings.logLevel });
    this.logger = logger.child({ component: 'server' });
    logEvents(this.#emitter, this.logger);
  }

  get status(): ServerStatus {
    return this.#status;
  }

  /** Listens to an event; see `ServerEvents`. */
  on<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  /** Listens to the next event of this name. */
  once<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): this {
    this.#emitter.once(name, listener);
    return this;
  }

  /** Listens no more. */
  off<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /**
   * Checks Redis, loads every handler module once in a throw-away thread, starts the threads and begins to pull tasks.
   * Rejects with `RedisUnreachableError`, `UnsupportedRedisError`, `HandlerLoadError` or `EmbeddedRedisError`; nothing
   * is left running then. With `ServerStateError` when `shutdown()` is called meanwhile.
   */
  async start(): Promise<void> {
    if (this.#status !== 'new') throw new ServerStateError('start()', this.#status);
    this.#status = 'starting';
    const started = this.#startOrTearDown();
    this.#starting = started.catch(() => undefined);
    await started;
  }

  /** Pulls no new tasks; running ones go on, and the server stays visible. Resolves when no lease is under way. */
  async stop(): Promise<void> {
    if (this.#status !== 'active') return;
    this.#status = 'stopped';
    this.logger.info('stopped pulling tasks');
    await this.#inside?.stopPulling();
    await this.#beat();
  }

  /**
   * Ends the server: no new tasks, running ones may finish until `shutdownTimeout`, the rest is stopped and goes back
   * to the front of its queue. May be called at any time and more than once. Never rejects, never takes longer than
   * `shutdownTimeout + cancelGrace + 1 s`. Answers which tasks still run: code in a native call cannot be stopped.
   */
  shutdown(): Promise<ShutdownReport> {
    this.#shutdown ??= this.#close();
    return this.#shutdown;
  }

  /**
   * Starts, then waits for SIGTERM or SIGINT and shuts down; SIGTSTP stops pulling. A second SIGTERM or SIGINT ends the
   * process at once with exit code 1.
   */
  async run(): Promise<void> {
    await runUntilSignal({
      start: () => this.start(),
      stop: () => this.stop(),
      shutdown: () => this.shutdown(),
      force: () => void this.#force(),
    });
  }

  /** What the server is doing now. */
  snapshot(): ServerSnapshot {
    return snapshotOf(this.#status, this.settings, this.#inside);
  }

  /** Names of the queues it serves. */
  get queues(): string[] {
    return Object.keys(this.settings.queues);
  }

  /** What Redis holds of a queue. Rejects when Redis is away or the server is not started. */
  async queueInfo(queue: string): Promise<QueueInfo> {
    if (this.#broker === undefined) throw new ServerStateError('queueInfo()', this.#status);
    return this.#broker.queueInfo(queue);
  }

  /** The handlers it found at its start: pattern, file and bounds of each. */
  get handlerReports(): readonly HandlerReport[] {
    return this.#reports;
  }

  /** `host:pid:uuid`, its entry in the fleet's list. */
  get address(): string {
    return addressOf(this.#identity);
  }

  /** Running tasks that have been told to stop, with the reason of each. */
  beingStopped(): { readonly task: TaskRef; readonly reason: StopReason }[] {
    const running = this.#inside?.active.inSlots() ?? [];
    return running.flatMap(({ ref, stop }) =>
      stop === undefined ? [] : [{ task: ref, reason: stop }],
    );
  }

  /** Pulls no new tasks, and waits until the outcomes handed over so far are written. For a child about to be killed. */
  async flush(): Promise<void> {
    await this.#inside?.stopPulling();
    await this.#inside?.settler.flushed();
  }

  /**
   * Takes over a task that another server of this machine holds, to run it alone. `false` when it was not that server's
   * any more. Rejects as every call to Redis.
   */
  async adopt({ queue, taskId, holder: from }: Suspect): Promise<boolean> {
    if (this.#broker === undefined || this.#inside === undefined) return false;
    const { leaseDurationMs: leaseMs } = this.settings;
    const to = { server: this.#identity.serverName, run: this.#inside.runs.reserve(1) };
    const askedAt = systemClock.monotonicMs();
    const task = await this.#broker.adopt({ queue, taskId, from, to, leaseMs });
    if (task === undefined) return false;
    this.#inside.intake.accept({ queue, tasks: [task], leaseEndsMonotonicMs: askedAt + leaseMs });
    return true;
  }

  async #startOrTearDown(): Promise<void> {
    try {
      await this.#startAll();
      this.#status = 'active';
    } catch (error) {
      const isCutShort = this.#status !== 'starting';
      await this.#tearDown();
      throw isCutShort ? new ServerStateError('start()', this.#status) : error;
    }
  }

  /** Looked at after everything that a start waits for: what came up after a shutdown would run for ever. */
  readonly #goOn = (): void => {
    if (this.#status !== 'starting') throw new ServerStateError('start()', this.#status);
  };

  async #startAll(): Promise<void> {
    const { settings } = this;
    this.#redis = await redisFor(this.#options.redis, (line) => this.logger.info(line));
    this.#goOn();
    this.#broker = createRedisBroker({
      redis: this.#redis.redis,
      connectTimeoutMs: settings.connectTimeoutMs,
    });
    const [facts, reports] = await Promise.all([
      this.#broker.check(),
      scanHandlers(settings.handlers, { middleware: settings.middleware }),
    ]);
    this.#goOn();
    this.#reports = reports;
    this.#inside = compose({
      settings,
      hooks: this.#options,
      broker: this.#broker,
      registry: createRegistry(reports),
      aggregators: createGroupRegistry(reports),
      bounds: handlerBounds(reports),
      identity: this.#identity,
      emitter: this.#emitter,
      logger: this.logger,
      ...this.#internals,
      status: () => this.#publishedStatus(),
    });
    await startServices(this.#inside.services, this.#goOn);
    logStart(this.logger, this.settings, facts, reports);
  }

  async #close(): Promise<ShutdownReport> {
    if (this.#status === 'new' || this.#status === 'closed') {
      this.#status = 'closed';
      return { stillRunning: [] };
    }
    this.#status = 'closing';
    this.logger.info('shutting down');
    void this.#beat(); // not awaited: a Redis that gives no answer would hold up the shutdown
    await this.#tearDown();
    await Promise.race([this.#starting, elapsed(STOP_MARGIN_MS)]);
    const stillRunning = this.#inside?.active.inSlots().map(({ ref }) => ref) ?? [];
    if (stillRunning.length === 0) this.logger.info('shut down');
    else this.logger.error({ tasks: stillRunning }, 'shut down; these tasks could not be stopped');
    return { stillRunning };
  }

  /** An ordinary exit waits for threads that are in a native call; only a signal does not. */
  async #force(): Promise<void> {
    const ended = this.#inside?.pool.destroy().then(() => true);
    const haveEnded = await Promise.race([ended, elapsed(FORCE_MS).then(() => false)]);
    if (haveEnded === false) process.kill(process.pid, 'SIGKILL');
    process.exit(1);
  }

  async #tearDown(): Promise<void> {
    const { shutdownTimeoutMs, cancelGraceMs } = this.settings;
    const connection = {
      name: 'connection',
      start: () => undefined,
      stop: () => this.#broker?.close(),
    };
    const faults = await stopServices(
      [connection, ...(this.#inside?.services ?? [])],
      shutdownTimeoutMs + cancelGraceMs + STOP_MARGIN_MS,
    );
    for (const { where, error } of faults) this.#emitter.fault(where, error);
    await this.#redis
      ?.stop()
      .catch((error: unknown) => this.#emitter.fault('redis', toError(error)));
    this.#status = 'closed';
  }

  /** Tells the fleet the new status at once; when Redis is away the next beat does. */
  async #beat(): Promise<void> {
    if (this.#inside?.health.isRedisUp !== true) return;
    await this.#inside.heartbeat.beat().catch((error: unknown) => {
      this.#emitter.fault('heartbeat', error);
    });
  }

  #publishedStatus(): PublishedStatus {
    if (this.#status === 'stopped') return 'stopped';
    return this.#status === 'closing' || this.#status === 'closed' ? 'closed' : 'active';
  }
}

/** What the stop of all services may take beyond the tasks' own time. */
const STOP_MARGIN_MS = 650;
/** What threads get to end when a second signal comes. */
const FORCE_MS = 200;

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
