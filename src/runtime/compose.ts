/**
 * Puts a server together: every component once, in one array of services. They start in this order and stop in reverse:
 * the dispatcher is last in and first out, the heartbeat the opposite, so that leases live until the last task has
 * ended and senders stop before receivers.
 */
import { pathToFileURL } from 'node:url';
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import { systemClock } from '../clock.ts';
import type { ServerSettings } from '../config.ts';
import type { ServerOptions } from '../config/server-options.ts';
import { Enqueuer } from '../enqueuer.ts';
import type { HandlerBounds } from '../policy/handler-bounds.ts';
import type { Registry } from '../threads/registry.ts';
import { ThreadPool } from '../threads/thread-pool.ts';
import { type ActiveTask, ActiveTasks } from './active-tasks.ts';
import { BegunNotes } from './begun-notes.ts';
import { canceler } from './canceler.ts';
import { composeAggregation } from './compose-aggregator.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { deadServers } from './dead-servers.ts';
import { drain } from './drain.ts';
import type { ServerEmitter } from './emitter.ts';
import { Fence } from './fence.ts';
import { Finisher } from './finisher.ts';
import { HangWatch } from './hang-watch.ts';
import { Health } from './health.ts';
import { addressOf, Heartbeat, type Identity, type PublishedStatus } from './heartbeat.ts';
import { Intake } from './intake.ts';
import type { ServerInternals } from './internals.ts';
import {
  type Isolation,
  isolationElsewhere,
  type IsolationElsewhereOptions,
  IsolationHere,
  type IsolationHereOptions,
} from './isolation.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LostLeases } from './lost-leases.ts';
import { memoryWatch } from './memory-watch.ts';
import { Recoverer } from './recoverer.ts';
import { recycler } from './recycler.ts';
import { ReturnedTasks } from './returned-tasks.ts';
import { RunNumbers } from './run-numbers.ts';
import type { Service } from './service.ts';
import { Settler } from './settler.ts';
import { Stopper, type StopperOptions } from './stopper.ts';
import { TaskRunner } from './task-runner.ts';
import { threadEnqueue } from './thread-enqueue.ts';
import { threadLog, threadLogLevel } from './thread-log.ts';
import { forwarder, janitor } from './upkeep.ts';
import { UserHooks } from './user-hooks.ts';

/** What a server is made of. */
export interface Parts extends ServerInternals {
  readonly settings: ServerSettings;
  readonly hooks: Pick<ServerOptions, 'retryDelay' | 'isFailure' | 'errorHandler' | 'beforeLease'>;
  readonly broker: Broker;
  readonly registry: Registry;
  readonly aggregators: Registry;
  readonly bounds: ReadonlyMap<string, HandlerBounds>;
  readonly identity: Identity;
  readonly emitter: ServerEmitter;
  readonly logger: Logger;
  status(): PublishedStatus;
}

/** The running server's insides. */
export interface Composition {
  readonly services: readonly Service[];
  readonly active: ActiveTasks;
  readonly pool: ThreadPool;
  /** No task is leased and no group aggregated from now on. */
  stopPulling(): Promise<void>;
  readonly heartbeat: Heartbeat;
  readonly health: Health;
  readonly intake: Intake;
  readonly settler: Settler;
  readonly runs: RunNumbers;
}

/** Builds all components; starts none. */
export function compose(parts: Parts): Composition {
  const path = composeTaskPath(parts);
  const { settings, broker, emitter } = parts;
  const { active, pool, stopper, dispatcher, leases } = path;
  const clock = systemClock;
  const heartbeat = new Heartbeat({
    ...parts,
    ...settings,
    active,
    clock,
    intervalMs: settings.heartbeatIntervalMs,
  });
  const health = new Health({
    broker,
    emitter,
    queues: Object.keys(settings.queues),
    intervalMs: settings.healthIntervalMs,
  });
  const aggregation = composeAggregation({
    ...parts,
    ...path,
    clock,
    isHeld: () => path.isolation.isHolding,
    onStored: () => dispatcher.wake(),
  });
  const services: Service[] = [
    heartbeat,
    leases,
    path.fence,
    health,
    canceler({ broker, active, stopper }),
    path.settler,
    path.lostLeases,
    ...(isSolitary(parts) ? [] : [...composeUpkeep(parts, path), aggregation.upkeep]),
    ...aggregation.sets,
    path.deadlines,
    path.hangWatch,
    { name: 'threads', start: () => pool.start(path.runner), stop: () => pool.destroy() },
    memoryWatch({ ...settings, active, pool, stopper, emitter }),
    ...(parts.supervised ? [] : [recycler({ ...parts, ...settings, pool })]),
    drain({ ...settings, active, stopper, clock }),
    ...(isSolitary(parts) ? [] : [...aggregation.intake, dispatcher]),
  ];
  emitter.on('redis', ({ isUp }) => {
    if (!isUp) return;
    leases.extendNow();
    dispatcher.wake();
  });
  const pullers = [dispatcher, ...aggregation.intake];
  const stopPulling = async (): Promise<void> => {
    await Promise.all(pullers.map(async (puller) => puller.stop()));
  };
  return { ...path, services, heartbeat, health, stopPulling };
}

/** A server that takes nothing from queues leaves their upkeep to others. */
function composeUpkeep(parts: Parts, path: ReturnType<typeof composeTaskPath>): Service[] {
  const { settings, broker, identity } = parts;
  const { hooks, onFault } = path;
  const queues = Object.keys(settings.queues);
  const onMoved = (): void => path.dispatcher.wake();
  const recovery = { ...parts, queues, hooks, intervalMs: settings.recoverIntervalMs };
  return [
    new Recoverer({ ...recovery, clock: systemClock }),
    deadServers({ ...recovery, host: identity.host, place: identity.place }),
    forwarder({ broker, queues, onFault, intervalMs: settings.forwardIntervalMs, onMoved }),
    janitor({ broker, queues, onFault, intervalMs: settings.janitorIntervalMs }),
  ];
}

function isSolitary({ supervised }: Parts): boolean {
  return supervised?.isSolitary === true;
}

/** A task's way: dispatcher -> intake -> runner -> thread -> runner -> finisher -> settler. */
function composeTaskPath(parts: Parts) {
  const { settings, broker, emitter } = parts;
  const { serverName } = parts.identity;
  const clock = systemClock;
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  const active = new ActiveTasks();
  const hooks = new UserHooks({ ...parts.hooks, ...settings, onFault });
  const pool = composePool(parts);
  const address = addressOf(parts.identity);
  const notes = new BegunNotes(() => clock.monotonicMs(), address);
  const settler = new Settler({ broker, clock, serverName, notes, onFault });
  const finisher = new Finisher({ ...settings, active, settler, emitter, hooks, clock, address });
  const withdraw = (task: ActiveTask): boolean =>
    isolation.withdraw(task) || pool.withdraw(task.run);
  const stops = composeStops(parts, { active, pool, finisher, withdraw });
  const keeping = composeLeases(parts, { active, stopper: stops.stopper, notes });
  const enqueuer = new Enqueuer({ ...settings, broker });
  const runner = new TaskRunner({
    ...stops,
    ...keeping,
    active,
    pool,
    finisher,
    emitter,
    hooks,
    clock,
    onLog: threadLog(parts.logger, active),
    onEnqueue: threadEnqueue(enqueuer, () => dispatcher.wake()),
  });
  const onReleased = (): void => dispatcher.wake();
  const returned = new ReturnedTasks({ ...settings, ...keeping, active, notes, clock, onReleased });
  const isolation = composeIsolation(parts, { active, runner, finisher, clock, onReleased });
  const path = { active, runner, isolation, finisher, settler, clock, notes, returned };
  const intake = new Intake({ ...parts, ...stops, ...path });
  const dispatcher = new Dispatcher({
    ...settings,
    ...keeping,
    ...path,
    broker,
    intake,
    hooks,
    emitter,
    serverName,
    isHeld: () => isolation.isHolding || returned.isHolding,
    withdraw,
  });
  return {
    ...stops,
    ...keeping,
    active,
    hooks,
    pool,
    settler,
    runner,
    isolation,
    intake,
    dispatcher,
    onFault,
  };
}

/** What keeps the leases of tasks, and what gives back those of which nobody knew. */
function composeLeases(
  { settings, broker, emitter, identity }: Parts,
  face: { active: ActiveTasks; stopper: Stopper; notes: BegunNotes },
) {
  const { serverId, serverName } = identity;
  const clock = systemClock;
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  const kept = { ...settings, ...face, broker, emitter, clock, onFault };
  return {
    leases: new LeaseKeeper({ ...kept, serverName }),
    lostLeases: new LostLeases({ ...kept, serverId }),
    runs: new RunNumbers(face.active),
  };
}

function composeIsolation(
  { supervised, identity, broker, emitter }: Parts,
  face: IsolationHereOptions & Pick<IsolationElsewhereOptions, 'active' | 'finisher'>,
): Isolation {
  if (supervised === undefined || supervised.isSolitary) return new IsolationHere(face);
  return isolationElsewhere({
    ...face,
    supervised,
    serverName: identity.serverName,
    onTakenCanceled: (taskId) => {
      broker.markCanceled(taskId).catch((error: unknown) => emitter.fault('cancel', error));
    },
  });
}

/** What stops tasks: the one path, and three of those who know a reason. */
function composeStops(
  { settings, emitter }: Parts,
  face: Pick<StopperOptions, 'finisher' | 'withdraw'> & { active: ActiveTasks; pool: ThreadPool },
) {
  const { active, pool } = face;
  const clock = systemClock;
  const stopper = new Stopper({ ...settings, ...face, emitter, clock });
  const deadlines = new Deadlines({
    active,
    clock,
    stop: (task, reason) => stopper.stop(task, reason),
  });
  const hangWatch = new HangWatch({ active, pool, stopper, clock });
  return {
    stopper,
    deadlines,
    hangWatch,
    fence: new Fence({ ...settings, active, stopper, clock }),
  };
}

function composePool({ settings, logger, supervised, tasksPerMessage }: Parts): ThreadPool {
  const { threads, tasksPerThread, maxPayloadSize } = settings;
  return new ThreadPool({
    threads,
    tasksPerMessage,
    maxOldGenerationMb: heapLimitMb(settings),
    settings: {
      middleware: settings.middleware.map((path) => pathToFileURL(path).href),
      tasksPerThread,
      maxResultSize: maxPayloadSize,
      logLevel: threadLogLevel(logger),
      ...(supervised === undefined ? {} : { journalFd: supervised.journalFd }),
    },
  });
}

/**
 * V8's own limit ends the thread or the whole process at once, so it stands well above the one at which a task is
 * stopped in order: at least as much again as a fast task allocates between two looks.
 */
function heapLimitMb({ maxOldGenerationMb, maxTaskMemoryMb }: ServerSettings): number | undefined {
  if (maxOldGenerationMb !== undefined || maxTaskMemoryMb === undefined) return maxOldGenerationMb;
  return Math.max(2 * maxTaskMemoryMb, maxTaskMemoryMb + 2_048);
}
