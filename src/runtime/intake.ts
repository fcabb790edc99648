/**
 * Turns what was leased into active tasks, and settles at once what no thread can run: bytes that cannot be read,
 * types without handler, deadlines already past.
 */
import type { LeasedTask } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { HandlerNotFoundError, UndecodableMessageError } from '../errors.ts';
import { FENCE_MARGIN_MS } from '../policy/fence.ts';
import type { HandlerBounds } from '../policy/handler-bounds.ts';
import { retriesFromWire } from '../policy/retries.ts';
import { stopError } from '../policy/stop-reason.ts';
import { undecodableMessage } from '../policy/undecodable.ts';
import type { Registry } from '../threads/registry.ts';
import type { HandlerReport } from '../threads/messages.ts';
import { UNDECODABLE_TYPE, type TaskRef } from '../task.ts';
import { decodeTaskMessage, type TaskMessage, viewTaskMessage } from '../wire/task-message.ts';
import { type ActiveTask, activeTask, type ActiveTasks } from './active-tasks.ts';
import type { ServerEmitter } from './emitter.ts';
import type { Fence } from './fence.ts';
import type { Finisher } from './finisher.ts';
import type { Isolation } from './isolation.ts';
import type { Settler } from './settler.ts';
import type { TaskRunner } from './task-runner.ts';

/** What the intake works with. */
export interface IntakeOptions {
  readonly active: ActiveTasks;
  readonly registry: Registry;
  /** Bounds of handlers by the URL of their module. */
  readonly bounds: ReadonlyMap<string, HandlerBounds>;
  readonly runner: TaskRunner;
  readonly isolation: Pick<Isolation, 'run' | 'isHolding'>;
  readonly finisher: Finisher;
  readonly settler: Settler;
  readonly fence: Pick<Fence, 'watch'>;
  readonly emitter: ServerEmitter;
  readonly clock: Clock;
}

/** A batch as it came from one queue. */
export interface LeasedBatch {
  readonly queue: string;
  readonly tasks: readonly LeasedTask[];
  readonly leaseEndsMonotonicMs: number;
}

/** Takes in leased tasks. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Takes in a batch; each task goes to a thread or is settled. One whose leases are about to end, as the process was frozen
   * while the reply was on its way, goes back: the fence would come too late for what begins at once.
   */
  accept(batch: LeasedBatch): void {
    const leftMs = batch.leaseEndsMonotonicMs - this.#options.clock.monotonicMs();
    if (leftMs <= FENCE_MARGIN_MS) return this.giveBack(batch);
    for (const leased of batch.tasks) this.#acceptOne(batch, leased);
  }

  /** Gives a batch back to the front of its queue, in its order: it came too late. */
  giveBack({ queue, tasks, leaseEndsMonotonicMs }: LeasedBatch): void {
    for (const { id, run } of tasks.toReversed()) {
      this.#options.settler.settle({
        queue,
        run,
        settlement: { kind: 'requeue', id },
        leaseEndsMonotonicMs,
        onSettled: () => undefined,
      });
    }
  }

  #acceptOne(batch: LeasedBatch, leased: LeasedTask): void {
    const read = readMessage(batch.queue, leased);
    if (read instanceof UndecodableMessageError) {
      this.#archiveUndecodable(batch, leased, read);
      return;
    }
    const handler = this.#options.registry.resolve(read.type);
    // Given away: what stays with the task must not keep it in memory.
    const { payload } = read;
    read.payload = NO_PAYLOAD;
    const task = this.#activate(batch, leased, read, handler);
    if (handler === undefined) {
      this.#options.runner.reject(task, new HandlerNotFoundError(read.type));
    } else if (read.deadline > 0 && read.deadline * 1_000 <= this.#options.clock.wallMs()) {
      this.#rejectLate(task);
    } else if (this.#options.active.hasOther(task)) {
      // Its lease was lost and it came back, while its code is stuck: two attempts never run at once in one process.
      this.#options.finisher.putOff(task, 'an earlier attempt of it has not ended here');
    } else if (task.isSuspect || this.#options.isolation.isHolding) {
      this.#options.isolation.run(task, payload);
    } else {
      this.#options.runner.run(task, payload);
    }
  }

  #activate(
    batch: LeasedBatch,
    leased: LeasedTask,
    message: Omit<TaskMessage, 'payload'>,
    handler: HandlerReport | undefined,
  ): ActiveTask {
    const task = activeTask({
      run: leased.run,
      ref: refOf(batch.queue, leased.id, message),
      raw: leased.message ?? NO_PAYLOAD,
      message,
      handler: handler ?? NO_HANDLER,
      maxRetry: Math.min(message.retry, handler?.retries ?? message.retry),
      bounds: (handler && this.#options.bounds.get(handler.url)) ?? NO_BOUNDS,
      crashes: leased.crashes,
      isSuspect: leased.isSuspect,
      aggregation: undefined,
      waitedMs: leased.waitedMs,
      leasedMonotonicMs: this.#options.clock.monotonicMs(),
      leaseEndsMonotonicMs: batch.leaseEndsMonotonicMs,
    });
    this.#options.active.add(task);
    this.#options.fence.watch(task);
    return task;
  }

  /** The handler is not called for a task whose deadline is past (protocol 16.5). */
  #rejectLate(task: ActiveTask): void {
    const end = { kind: 'threw', verdict: 'failure', error: stopError('deadline') } as const;
    this.#options.finisher.finish(task, { end, runMs: 0, failure: 'deadline' });
  }

  /**
   * Bytes that cannot be read poison Go's recoverer as long as they lie in `active` (trap 7): they are wrapped as the
   * payload of a valid message and archived in the same round.
   */
  #archiveUndecodable(
    batch: LeasedBatch,
    leased: LeasedTask,
    error: UndecodableMessageError,
  ): void {
    const { queue } = batch;
    const message = undecodableMessage({ id: leased.id, queue, raw: leased.message, error });
    const task = { id: leased.id, type: UNDECODABLE_TYPE, queue, retried: 0, maxRetry: 0 };
    const { emitter, settler } = this.#options;
    settler.settle({
      queue,
      run: leased.run,
      settlement: { kind: 'archive', id: leased.id, message },
      leaseEndsMonotonicMs: batch.leaseEndsMonotonicMs,
      onSettled: (reply) => {
        if (reply === 'lost') return emitter.emit('lost', { task });
        emitter.emit('failed', { task, error, runMs: undefined, reason: 'undecodable' });
        emitter.emit('archived', { task, error });
      },
    });
  }
}

/** Stands where no handler was found; never reaches a thread. */
const NO_HANDLER: HandlerReport = { file: '', url: '', pattern: '', hasSchema: false };
const NO_BOUNDS: HandlerBounds = {};
/** Stands where a payload was; never handed on, since a shared array could be transferred away. */
const NO_PAYLOAD = new Uint8Array();

/** The message of a leased task, or why it cannot be read. Of one in shared memory the payload stays there, for a thread to copy. */
export function readMessage(
  queue: string,
  leased: Pick<LeasedTask, 'id' | 'message'>,
): TaskMessage | UndecodableMessageError {
  if (leased.message === undefined) return new UndecodableMessageError('the hash has no message');
  try {
    const { message: raw } = leased;
    const isShared = raw.buffer instanceof SharedArrayBuffer;
    const message = isShared ? viewTaskMessage(raw) : decodeTaskMessage(raw);
    return checkPlace(queue, leased.id, message) ?? message;
  } catch (error) {
    if (error instanceof UndecodableMessageError) return error;
    throw error;
  }
}

/** ID and queue inside the message must be those of its key, or settling it would touch another task (protocol 4.1). */
function checkPlace(
  queue: string,
  id: string,
  message: TaskMessage,
): UndecodableMessageError | undefined {
  if (message.id === id && message.queue === queue) return undefined;
  return new UndecodableMessageError(
    `it says task ${JSON.stringify(message.id)} of queue ${JSON.stringify(message.queue)}, but lies at ${JSON.stringify(id)} of ${JSON.stringify(queue)}`,
  );
}

/** What names the task in events. */
export function refOf(
  queue: string,
  id: string,
  message: Pick<TaskMessage, 'type' | 'retried' | 'retry'>,
): TaskRef {
  const { type, retried } = message;
  return { id, type, queue, retried, maxRetry: retriesFromWire(message.retry) };
}
