/** `Server`: leases tasks from Redis and runs them in worker threads. The composition root of the runtime. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Broker, QueueInfo } from '../broker/broker.ts';
import { createRedisBroker } from '../broker/redis-broker.ts';
import { resolveServerSettings, type ServerOptions, type ServerSettings } from '../config.ts';
import { redisFor, type RedisInUse } from '../embedded/redis-for.ts';
import { ServerStateError, toError } from '../errors.ts';
import { createLogger } from '../logger.ts';
import { handlerTimeouts } from '../policy/handler-bounds.ts';
import { createRegistry } from '../threads/registry.ts';
import { scanHandlers } from '../threads/scan-handlers.ts';
import { compose, type Composition } from './compose.ts';
import { ServerEmitter, type ServerListener } from './emitter.ts';
import type { ServerEvents } from './events.ts';
import { hostName, type PublishedStatus } from './heartbeat.ts';
import { logEvents } from './log-events.ts';
import { runUntilSignal } from './signals.ts';
import { startServices, stopServices } from './services.ts';

/**
 * new -> starting -> active -> (stopped) -> closing -> closed. `stopped` pulls no new tasks but finishes the running
 * ones; a closed server cannot start again.
 */
export type ServerStatus = 'new' | 'starting' | 'active' | 'stopped' | 'closing' | 'closed';

/** What a server is doing now; for health checks and metrics. */
export interface ServerSnapshot {
  readonly status: ServerStatus;
  readonly threadsTotal: number;
  /** Threads that have started and live. */
  readonly threadsReady: number;
  readonly threadsBusy: number;
  /** Tasks in slots. */
  readonly active: number;
  readonly isRedisUp: boolean;
  /** Milliseconds since the heartbeat's last pass; `undefined` before the first. */
  readonly lastHeartbeatAgeMs: number | undefined;
}

/**
 * A server. Options and their defaults: `ServerOptions`; wrong ones throw `InvalidOptionsError` here, all at once.
 * Events: `ServerEvents`.
 */
export class Server {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  readonly #options: ServerOptions;
  readonly #emitter = new ServerEmitter();
  #status: ServerStatus = 'new';
  #redis: RedisInUse | undefined;
  #broker: Broker | undefined;
  #inside: Composition | undefined;
  /** Ends, never rejecting, when `start()` has ended. */
  #starting: Promise<void> = Promise.resolve();
  #shutdown: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.settings = resolveServerSettings(options);
    this.#options = options;
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
    await this.#inside?.dispatcher.stop();
    await this.#beat();
  }

  /**
   * Ends the server: no new tasks, running ones may finish until `shutdownTimeout`, the rest is stopped and goes back
   * to the front of its queue. May be called at any time and more than once. Never rejects, never takes longer than
   * `shutdownTimeout + cancelGrace + 1 s`.
   */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#close();
    return this.#shutdown;
  }

  /**
   * Starts, then waits for SIGTERM or SIGINT and shuts down; SIGTSTP stops pulling. A second SIGTERM or SIGINT ends the
   * process at once with exit code 1.
   */
  async run(): Promise<void> {
    await runUntilSignal(this);
  }

  /** What the server is doing now. */
  snapshot(): ServerSnapshot {
    const inside = this.#inside;
    return {
      status: this.#status,
      threadsTotal: this.settings.threads,
      threadsReady: inside?.pool.ready ?? 0,
      threadsBusy: inside?.pool.busy ?? 0,
      active: inside?.active.occupied ?? 0,
      isRedisUp: inside?.health.isRedisUp ?? false,
      lastHeartbeatAgeMs: inside?.heartbeat.ageMs,
    };
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
    warnOfEviction(this.logger, facts.evictionPolicy);
    this.#inside = compose({
      settings,
      hooks: this.#options,
      broker: this.#broker,
      registry: createRegistry(reports),
      handlerTimeoutsMs: handlerTimeouts(reports),
      identity: {
        host: hostName(),
        pid: process.pid,
        serverId: randomUUID(),
        startedWallMs: Date.now(),
      },
      emitter: this.#emitter,
      logger: this.logger,
      status: () => this.#publishedStatus(),
      onStuck: (tasks) => {
        this.logger.error({ tasks }, 'tasks could not be stopped; they run until the process ends');
      },
    });
    await startServices(this.#inside.services, this.#goOn);
    this.#logStart(facts.product, facts.version, reports);
  }

  #logStart(product: string, version: string, reports: readonly { pattern: string }[]): void {
    const { threads, tasksPerThread, concurrency, concurrencySource, queues } = this.settings;
    this.logger.info(
      {
        threads,
        tasksPerThread,
        concurrency,
        concurrencySource,
        queues,
        handlers: reports.map((report) => report.pattern),
        redis: `${product} ${version}`,
      },
      'started',
    );
  }

  async #close(): Promise<void> {
    if (this.#status === 'new' || this.#status === 'closed') {
      this.#status = 'closed';
      return;
    }
    this.#status = 'closing';
    this.logger.info('shutting down');
    void this.#beat(); // not awaited: a Redis that gives no answer would hold up the shutdown
    await this.#tearDown();
    await Promise.race([this.#starting, elapsed(STOP_MARGIN_MS)]);
    this.logger.info('shut down');
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
const STOP_MARGIN_MS = 700;

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function warnOfEviction(logger: Logger, policy: string | undefined): void {
  if (policy === undefined || policy === 'noeviction') return;
  logger.warn(
    { policy },
    'Redis may evict tasks when its memory is full: set maxmemory-policy to noeviction',
  );
}
