/** Puts the supervisor together: every part once. Starts nothing. */
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import { createRedisBroker } from '../broker/redis-broker.ts';
import type { RedisOption } from '../config/server-options.ts';
import type { CommandInput, ServeSettings } from '../config.ts';
import { componentLogger } from '../logger.ts';
import { createMetrics, type Metrics } from '../metrics/create-metrics.ts';
import { registerFleetMetrics } from '../metrics/fleet-metrics.ts';
import type { MetricsSnapshot } from '../metrics/metrics-source.ts';
import type { FleetFacts } from '../policy/health.ts';
import { ServerEmitter } from '../runtime/emitter.ts';
import { logEvents } from '../runtime/log-events.ts';
import { UserHooks } from '../runtime/user-hooks.ts';
import type { HandlerReport } from '../threads/messages.ts';
import { createRegistry } from '../threads/registry.ts';
import type { Child } from './child.ts';
import { Fleet } from './fleet.ts';
import { FleetScrape } from './fleet-scrape.ts';
import { SolitaryChild } from './solitary-child.ts';
import { ChildRecycler } from './child-recycler.ts';
import { DeathSettler } from './settle-death.ts';

/** What the supervisor works with. */
export interface SuperviseOptions {
  readonly input: CommandInput;
  readonly settings: ServeSettings;
  readonly redis: RedisOption;
  /** The private Redis, which the children cannot find by themselves. */
  readonly redisUrl?: string;
  readonly logger: Logger;
  /** A child that is silent for longer is not alive. Default 10 s; tests shorten it. */
  readonly maxSilenceMs?: number;
}

/** The supervisor's parts. */
export interface Supervisor {
  readonly fleet: Fleet;
  readonly deaths: DeathSettler;
  readonly scrape: FleetScrape;
  readonly metrics: Metrics;
  readonly broker: Broker;
  health(): FleetFacts;
}

const MAX_SILENCE_MS = 10_000;

/** The supervisor runs nothing itself: to this its children's figures are added. */
const NOTHING: MetricsSnapshot = { threadsTotal: 0, threadsBusy: 0, active: 0, stuck: 0 };

/** Builds all parts. The listeners of one name others that are built later: nothing happens before the first child. */
export function composeFleet(options: SuperviseOptions): Supervisor {
  const { input, settings, redis, redisUrl, logger } = options;
  const log = componentLogger(logger, 'supervisor');
  const emitter = new ServerEmitter();
  logEvents(emitter, log);
  const broker = createRedisBroker({ redis, connectTimeoutMs: settings.connectTimeoutMs });
  const metrics = composeMetrics(settings, broker, emitter);
  const { deaths, learnHandlers } = composeDeaths(settings, broker, emitter, log);
  const { env, ...rest } = input;
  const fleet: Fleet = new Fleet({
    processes: settings.processes,
    begin: { input: rest, ...(redisUrl === undefined ? {} : { redisUrl }) },
    env,
    deaths,
    metrics: () => counters,
    logger: log,
    listener: {
      onReady: (child) => {
        log.debug({ childPid: child.pid }, 'child process is ready');
        learnHandlers(child.handlers); // all load the same; the latest know best
        fleet.onReady(child);
      },
      onBeat: (child) => recycler.look(child),
      onStuck: (child) => {
        const fields = { childPid: child.pid, tasks: child.stuck.size };
        log.error(fields, 'killing a child process: its tasks could not be stopped');
        counters.killed('stuck');
        child.kill('stuck');
      },
      onIsolate: (child, call, suspect) => void solitary.ask(child, call, suspect),
      onIdle: (child) => solitary.onIdle(child),
    },
    onGone: (child) => {
      solitary.onGone(child);
      scrape.onGone(child);
    },
  });
  const counters = registerFleetMetrics(metrics.registry, () => ({
    total: fleet.children.length,
    ready: fleet.children.filter(({ isReady, isSolitary }) => isReady && !isSolitary).length,
  }));
  const solitary = new SolitaryChild({
    fleet,
    logger: log,
    onIsolated: () => counters.isolated(),
  });
  const recycler = new ChildRecycler({ fleet, limits: settings.recycle, logger: log });
  const scrape = new FleetScrape(metrics.registry, () => fleet.children);
  const health = (): FleetFacts => ({
    loopLagMs: metrics.loopLag.longestMs(),
    maxSilenceMs: options.maxSilenceMs ?? MAX_SILENCE_MS,
    isClosing: fleet.isClosing,
    children: fleet.children.map(factsOf),
  });
  return { fleet, deaths, broker, metrics, scrape, health };
}

/** The supervisor's own registry: its process, the deaths it settles, and the queues, which are read once for all. */
function composeMetrics(settings: ServeSettings, broker: Broker, emitter: ServerEmitter): Metrics {
  return createMetrics(
    {
      on: (name, listener) => emitter.on(name, listener),
      snapshot: () => NOTHING,
      queues: Object.keys(settings.queues),
      queueInfo: (queue) => broker.queueInfo(queue),
    },
    { queueMetrics: settings.queueMetrics },
  );
}

function composeDeaths(
  settings: ServeSettings,
  broker: Broker,
  emitter: ServerEmitter,
  logger: Logger,
): { deaths: DeathSettler; learnHandlers(reports: readonly HandlerReport[]): void } {
  let registry = createRegistry([]);
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  const deaths = new DeathSettler({
    broker,
    queues: Object.keys(settings.queues),
    registry: { resolve: (type) => registry.resolve(type) },
    hooks: new UserHooks({ ...settings.serverOptions, ...settings, onFault }),
    maxCrashes: settings.maxCrashes,
    leaseDurationMs: settings.leaseDurationMs,
    emitter,
    logger,
  });
  return {
    deaths,
    learnHandlers: (reports) => {
      registry = createRegistry(reports);
    },
  };
}

function factsOf(child: Child): FleetFacts['children'][number] {
  const { pid, silentMs, isSolitary, beat } = child;
  return { pid, silentMs, facts: beat?.facts, takesTasks: !isSolitary };
}
