/**
 * Extends the leases of all tasks in slots, on the main thread, which runs no handler: a busy handler never starves
 * its own lease. A task whose lease is gone is stopped, and nothing is written for it.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the lease keeper works with. */
export interface LeaseKeeperOptions {
  readonly broker: Pick<Broker, 'extend'>;
  readonly active: ActiveTasks;
  readonly stopper: Pick<Stopper, 'stop'>;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
  readonly leaseDurationMs: number;
}

/** asynq extends every 5 s; a short lease is extended more often, at each fifth of it. */
const LONGEST_INTERVAL_MS = 5_000;

/** The service that keeps leases alive. */
export function leaseKeeper(options: LeaseKeeperOptions): Service {
  const { emitter, leaseDurationMs } = options;
  return every({
    name: 'lease keeper',
    intervalMs: Math.min(leaseDurationMs / 5, LONGEST_INTERVAL_MS),
    run: async () => {
      stopExpired(options);
      const groups = byQueue(options.active.inSlots());
      await Promise.all([...groups].map(([queue, group]) => extend(options, queue, group)));
    },
    onFault: (where, error) => emitter.fault(where, error),
  });
}

/** An expired lease is never revived: a recoverer may have given the task to someone else already. */
function stopExpired({ active, clock, stopper }: LeaseKeeperOptions): void {
  const now = clock.monotonicMs();
  for (const task of active.inSlots()) {
    if (task.leaseEndsMonotonicMs <= now) stopper.stop(task, 'lease_lost');
  }
}

async function extend(
  options: LeaseKeeperOptions,
  queue: string,
  group: readonly ActiveTask[],
): Promise<void> {
  const { broker, clock, stopper, leaseDurationMs } = options;
  const held = group.filter((task) => task.stop !== 'lease_lost');
  if (held.length === 0) return;
  const askedAt = clock.monotonicMs();
  const ids = held.map((task) => task.ref.id);
  const reply = await broker.extend(queue, ids, leaseDurationMs);
  const gone = new Set(reply.gone);
  const canceled = new Set(reply.canceled);
  for (const task of held) {
    // The mark of a cancel request: its message over Pub/Sub may have been missed.
    if (canceled.has(task.ref.id)) stopper.stop(task, 'canceled');
    if (!gone.has(task.ref.id)) task.leaseEndsMonotonicMs = askedAt + leaseDurationMs;
    // A task that is being settled meanwhile has left `lease` by our own hand.
    else if (task.phase !== 'settling') stopper.stop(task, 'lease_lost');
  }
}

function byQueue(tasks: readonly ActiveTask[]): Map<string, ActiveTask[]> {
  const groups = new Map<string, ActiveTask[]>();
  for (const task of tasks) {
    const group = groups.get(task.ref.queue);
    if (group === undefined) groups.set(task.ref.queue, [task]);
    else group.push(task);
  }
  return groups;
}
