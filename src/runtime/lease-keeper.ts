/**
 * Extends the leases of all tasks in slots, on the main thread, which runs no handler: a busy handler never starves
 * its own lease. What handlers have reported since goes along, so that it can be seen while they run. A task that Redis says is not ours any more is stopped, and nothing is written for it.
 */
import type { Broker, ExtendedRun } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { toError } from '../errors.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { BegunNotes } from './begun-notes.ts';
import { every } from './every.ts';
import type { ServerEmitter } from './emitter.ts';
import { type PendingReport, sizeOfChange } from './run-report.ts';
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
  /** This server as its leases name it. */
  readonly serverName: string;
  readonly notes: BegunNotes;
}

/** A task whose lease is to be extended, with what is new of it. */
interface Held {
  readonly task: ActiveTask;
  readonly pending: PendingReport | undefined;
}

/** With the round trip, the promised second after the start is kept. */
const NOTE_AFTER_MS = 500;

/** The service that keeps leases alive, and notes which of their tasks have begun. */
export class LeaseKeeper implements Service {
  readonly name = 'lease keeper';
  readonly #options: LeaseKeeperOptions;
  readonly #loop: Service;
  #noteTimer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(options: LeaseKeeperOptions) {
    const { emitter, leaseDurationMs } = options;
    this.#options = options;
    this.#loop = every({
      name: this.name,
      intervalMs: leaseDurationMs / 5,
      run: () => this.#extend(options.active.inSlots()),
      onFault: (where, error) => emitter.fault(where, error),
    });
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#noteTimer);
    await this.#loop.stop();
  }

  /** Extends at once: Redis is back, and leases may be about to end. */
  extendNow(): void {
    this.#extendApart(this.#options.active.inSlots());
  }

  /** To be called when a thread has begun a task. */
  onBegun(task: ActiveTask): void {
    this.#options.notes.add(task);
    if (!this.#isRunning || this.#noteTimer !== undefined) return;
    this.#noteTimer = setTimeout(() => this.#note(), NOTE_AFTER_MS).unref();
  }

  /** Lets Redis know now that this task has begun. */
  noteNow(task: ActiveTask): void {
    this.#extendApart([task]);
  }

  #note(): void {
    this.#noteTimer = undefined;
    this.#extendApart(this.#options.notes.due());
    if (this.#options.notes.size === 0 || !this.#isRunning) return;
    this.#noteTimer = setTimeout(() => this.#note(), NOTE_AFTER_MS).unref();
  }

  /** Beside the loop. What fails is tried again by it. */
  #extendApart(tasks: readonly ActiveTask[]): void {
    this.#extend(tasks).catch((error: unknown) => {
      this.#options.emitter.fault(this.name, toError(error));
    });
  }

  async #extend(tasks: readonly ActiveTask[]): Promise<void> {
    const held = tasks.filter(
      ({ stop, aggregation }) => stop !== 'lease_lost' && aggregation === undefined,
    );
    const groups = byQueue(held);
    await Promise.all([...groups].map(([queue, group]) => this.#extendQueue(queue, group)));
  }

  async #extendQueue(queue: string, group: readonly ActiveTask[]): Promise<void> {
    const held = group.map((task) => ({ task, pending: task.report?.unsent() }));
    await Promise.all(inBatches(held).map((batch) => this.#extendBatch(queue, batch)));
  }

  async #extendBatch(queue: string, batch: readonly Held[]): Promise<void> {
    const { broker, clock, leaseDurationMs: leaseMs, serverName: server } = this.#options;
    const askedAt = clock.monotonicMs();
    const tasks = batch.map((held) => this.#toRun(held));
    const reply = await broker.extend({ queue, leaseMs, server, tasks });
    this.#options.notes.noted(tasks.filter(({ hasBegun }) => hasBegun));
    const gone = new Set(reply.gone);
    const canceled = new Set(reply.canceled);
    for (const { task, pending } of batch) {
      if (pending !== undefined) task.report?.sent(pending);
      // The mark of a cancel request: its message over Pub/Sub may have been missed.
      if (canceled.has(task.ref.id)) this.#options.stopper.stop(task, 'canceled');
      if (gone.has(task.ref.id)) this.#lose(task, askedAt);
      else task.leaseEndsMonotonicMs = Math.max(task.leaseEndsMonotonicMs, askedAt + leaseMs);
    }
  }

  #toRun({ task, pending }: Held): ExtendedRun {
    const run = { ...this.#options.notes.noteOf(task), hasBegun: task.phase === 'running' };
    return pending === undefined ? run : { ...run, report: pending.change };
  }

  /** Somebody else may run it already: it gets no grace. */
  #lose(task: ActiveTask, now: number): void {
    // A task that is being settled meanwhile has left `lease` by our own hand; one that is offered, by that of who took it.
    if (task.phase === 'settling' || task.isOffered) return;
    task.leaseEndsMonotonicMs = now;
    this.#options.stopper.stop(task, 'lease_lost');
  }
}

/** What one script takes along at most of progress and log lines, in characters: it must not hold Redis for long. */
const MAX_BATCH_SIZE = 1_048_576;

function inBatches(tasks: readonly Held[]): Held[][] {
  const batches: Held[][] = [];
  let current: Held[] = [];
  let size = 0;
  for (const held of tasks) {
    const more = sizeOfChange(held.pending?.change);
    if (current.length > 0 && size + more > MAX_BATCH_SIZE) {
      batches.push(current);
      current = [];
      size = 0;
    }
    current.push(held);
    size += more;
  }
  if (current.length > 0) batches.push(current);
  return batches;
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
