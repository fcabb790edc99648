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
import type { TaskRef } from '../task.ts';
import type { Registry } from '../threads/registry.ts';
import { ThreadPool } from '../threads/thread-pool.ts';
import { ActiveTasks } from './active-tasks.ts';
import { canceler } from './canceler.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { drain } from './drain.ts';
import type { ServerEmitter } from './emitter.ts';
import { Finisher } from './finisher.ts';
import { Health } from './health.ts';
import { Heartbeat, type Identity, type PublishedStatus } from './heartbeat.ts';
import { Intake } from './intake.ts';
import { leaseKeeper } from './lease-keeper.ts';
import { recoverer } from './recoverer.ts';
import type { Service } from './service.ts';
import { Settler } from './settler.ts';
import { Stopper } from './stopper.ts';
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
  readonly handlerTimeoutsMs: ReadonlyMap<string, number>;
  readonly identity: Identity;
  readonly emitter: ServerEmitter;
  readonly logger: Logger;
  status(): PublishedStatus;
  onStuck(tasks: readonly TaskRef[]): void;
}

/** The running server's insides. */
export interface Composition {
  readonly services: readonly Service[];
  readonly active: ActiveTasks;
  readonly pool: ThreadPool;
  readonly dispatcher: Dispatcher;
  readonly heartbeat: Heartbeat;
  readonly health: Health;
}

/** Builds all components; starts none. */
export function compose(parts: Parts): Composition {
  const path = composeTaskPath(parts);
  const { settings, broker, emitter } = parts;
  const { active, pool, stopper, dispatcher, hooks, onFault } = path;
  const heartbeat = new Heartbeat({
    ...parts,
    ...settings,
    active,
    clock: systemClock,
    intervalMs: settings.heartbeatIntervalMs,
  });
  const health = new Health({ broker, emitter, intervalMs: settings.healthIntervalMs });
  const queues = Object.keys(settings.queues);
  const wake = (): void => dispatcher.wake();
  const services: Service[] = [
    heartbeat,
    leaseKeeper({ ...settings, broker, active, stopper, emitter, clock: systemClock }),
    health,
    canceler({ broker, active, stopper }),
    path.settler,
    recoverer({ ...parts, queues, hooks, intervalMs: settings.recoverIntervalMs }),
    forwarder({ broker, queues, onFault, intervalMs: settings.forwardIntervalMs, onMoved: wake }),
    janitor({ broker, queues, onFault, intervalMs: settings.janitorIntervalMs }),
    path.deadlines,
    { name: 'threads', start: () => pool.start(path.runner), stop: () => pool.destroy() },
    drain({ ...settings, active, stopper, clock: systemClock, onStuck: parts.onStuck }),
    dispatcher,
  ];
  emitter.on('redis', ({ isUp }) => {
    if (isUp) wake();
  });
  return { services, active, pool, dispatcher, heartbeat, health };
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
  const stopper = new Stopper({ ...settings, active, pool, emitter });
  const deadlines = new Deadlines({
    active,
    clock,
    stop: (task, reason) => stopper.stop(task, reason),
  });
  const finisher = new Finisher({ active, settler, emitter, hooks, clock });
  const enqueuer = new Enqueuer({ broker, maxPayloadSize: settings.maxPayloadSize });
  const runner = new TaskRunner({
    active,
    pool,
    finisher,
    stopper,
    deadlines,
    emitter,
    hooks,
    clock,
    onLog: threadLog(parts.logger, active),
    onEnqueue: threadEnqueue(enqueuer, () => dispatcher.wake()),
  });
  const intake = new Intake({ ...parts, active, runner, finisher, settler, clock });
  const dispatcher = new Dispatcher({ ...settings, broker, active, intake, hooks, emitter, clock });
  return { active, hooks, pool, settler, stopper, deadlines, runner, dispatcher, onFault };
}

function composePool({ settings, logger }: Parts): ThreadPool {
  const { threads, tasksPerThread, maxOldGenerationMb, maxPayloadSize } = settings;
  return new ThreadPool({
    threads,
    maxOldGenerationMb,
    settings: {
      middleware: settings.middleware.map((path) => pathToFileURL(path).href),
      tasksPerThread,
      maxResultSize: maxPayloadSize,
      logLevel: threadLogLevel(logger),
    },
  });
}
