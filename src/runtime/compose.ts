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
import { ActiveTasks } from './active-tasks.ts';
import { canceler } from './canceler.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { drain } from './drain.ts';
import type { ServerEmitter } from './emitter.ts';
import { Finisher } from './finisher.ts';
import { HangWatch } from './hang-watch.ts';
import { Health } from './health.ts';
import { Heartbeat, type Identity, type PublishedStatus } from './heartbeat.ts';
import { Intake } from './intake.ts';
import {
  type Isolation,
  isolationElsewhere,
  type IsolationElsewhereOptions,
  IsolationHere,
  type IsolationHereOptions,
} from './isolation.ts';
import { leaseKeeper } from './lease-keeper.ts';
import { memoryWatch } from './memory-watch.ts';
import { recoverer } from './recoverer.ts';
import { recycler } from './recycler.ts';
import type { Service } from './service.ts';
import { Settler } from './settler.ts';
import { Stopper, type StopperOptions } from './stopper.ts';
import type { Supervised } from './supervised.ts';
import { TaskRunner } from './task-runner.ts';
import { threadEnqueue } from './thread-enqueue.ts';
import { threadLog, threadLogLevel } from './thread-log.ts';
import { forwarder, janitor } from './upkeep.ts';
import { UserHooks } from './user-hooks.ts';

/** What a server is made of. */
export interface Parts {
  readonly settings: ServerSettings;
  readonly hooks: Pick<ServerOptions, 'retryDelay' | 'isFailure' | 'errorHandler' | 'beforeLease'>;
  readonly broker: Broker;
  readonly registry: Registry;
  readonly bounds: ReadonlyMap<string, HandlerBounds>;
  readonly identity: Identity;
  readonly emitter: ServerEmitter;
  readonly logger: Logger;
  /** Absent in a library's server. */
  readonly supervised?: Supervised | undefined;
  status(): PublishedStatus;
}

/** The running server's insides. */
export interface Composition {
  readonly services: readonly Service[];
  readonly active: ActiveTasks;
  readonly pool: ThreadPool;
  readonly dispatcher: Dispatcher;
  readonly heartbeat: Heartbeat;
  readonly health: Health;
  readonly intake: Intake;
  readonly settler: Settler;
}

/** Builds all components; starts none. */
export function compose(parts: Parts): Composition {
  const path = composeTaskPath(parts);
  const { settings, broker, emitter } = parts;
  const { active, pool, stopper, dispatcher } = path;
  const clock = systemClock;
  const heartbeat = new Heartbeat({
    ...parts,
    ...settings,
    active,
    clock,
    intervalMs: settings.heartbeatIntervalMs,
  });
  const health = new Health({ broker, emitter, intervalMs: settings.healthIntervalMs });
  const services: Service[] = [
    heartbeat,
    leaseKeeper({ ...settings, broker, active, stopper, emitter, clock }),
    health,
    canceler({ broker, active, stopper }),
    path.settler,
    ...composeUpkeep(parts, path),
    path.deadlines,
    path.hangWatch,
    { name: 'threads', start: () => pool.start(path.runner), stop: () => pool.destroy() },
    memoryWatch({ ...settings, active, pool, stopper, emitter }),
    ...(parts.supervised ? [] : [recycler({ ...parts, ...settings, pool })]),
    drain({ ...settings, active, stopper, clock }),
    ...(isSolitary(parts) ? [] : [dispatcher]),
  ];
  emitter.on('redis', ({ isUp }) => {
    if (isUp) dispatcher.wake();
  });
  return { ...path, services, heartbeat, health };
}

/** A server that takes nothing from queues leaves their upkeep to others. */
function composeUpkeep(parts: Parts, path: ReturnType<typeof composeTaskPath>): Service[] {
  if (isSolitary(parts)) return [];
  const { settings, broker } = parts;
  const { hooks, onFault } = path;
  const queues = Object.keys(settings.queues);
  const onMoved = (): void => path.dispatcher.wake();
  return [
    recoverer({ ...parts, queues, hooks, intervalMs: settings.recoverIntervalMs }),
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
  const clock = systemClock;
  const onFault = (where: string, error: unknown): void => emitter.fault(where, error);
  const active = new ActiveTasks();
  const hooks = new UserHooks({ ...parts.hooks, ...settings, onFault });
  const pool = composePool(parts);
  const settler = new Settler({ broker, clock, onFault });
  const finisher = new Finisher({ ...settings, active, settler, emitter, hooks, clock });
  const { stopper, deadlines, hangWatch } = composeStops(parts, {
    active,
    pool,
    finisher,
    withdraw: (task) => isolation.withdraw(task) || pool.withdraw(task.run),
  });
  const enqueuer = new Enqueuer({ ...settings, broker });
  const runner = new TaskRunner({
    active,
    pool,
    finisher,
    stopper,
    deadlines,
    hangWatch,
    emitter,
    hooks,
    clock,
    onLog: threadLog(parts.logger, active),
    onEnqueue: threadEnqueue(enqueuer, () => dispatcher.wake()),
  });
  const { serverId } = parts.identity;
  const onReleased = (): void => dispatcher.wake();
  const isolation = composeIsolation(parts, { active, runner, finisher, onReleased });
  const intake = new Intake({ ...parts, active, runner, isolation, finisher, settler, clock });
  const dispatcher = new Dispatcher({
    ...settings,
    broker,
    active,
    intake,
    hooks,
    emitter,
    clock,
    serverId,
    isHeld: () => isolation.isHolding,
  });
  return {
    active,
    hooks,
    pool,
    settler,
    stopper,
    deadlines,
    hangWatch,
    runner,
    intake,
    dispatcher,
    onFault,
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
    serverId: identity.serverId,
    onTakenCanceled: (taskId) => {
      broker.markCanceled(taskId).catch((error: unknown) => emitter.fault('cancel', error));
    },
  });
}

/** What stops tasks: the one path, and two of those who know a reason. */
function composeStops(
  { settings, emitter }: Parts,
  face: Pick<StopperOptions, 'finisher' | 'withdraw'> & { active: ActiveTasks; pool: ThreadPool },
) {
  const { active, pool } = face;
  const clock = systemClock;
  const stopper = new Stopper({ ...settings, ...face, emitter });
  const deadlines = new Deadlines({
    active,
    clock,
    stop: (task, reason) => stopper.stop(task, reason),
  });
  return { stopper, deadlines, hangWatch: new HangWatch({ active, pool, stopper, clock }) };
}

function composePool({ settings, logger, supervised }: Parts): ThreadPool {
  const { threads, tasksPerThread, maxPayloadSize } = settings;
  return new ThreadPool({
    threads,
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
