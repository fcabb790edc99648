/** Runs an aggregate function in a thread of the pool, as a run that has a slot, a deadline and a stop like any task's. */
import type { Clock } from '../clock.ts';
import type { HandlerBounds } from '../policy/handler-bounds.ts';
import type { GroupParcel, HandlerReport } from '../threads/messages.ts';
import { emptyTaskMessage, type TaskMessage } from '../wire/task-message.ts';
import { type ActiveTask, activeTask, type ActiveTasks } from './active-tasks.ts';
import type { Fence } from './fence.ts';
import type { FinishedRun } from './finisher.ts';
import type { RunNumbers } from './run-numbers.ts';
import type { HeldSet } from './staged-sets.ts';
import type { Stopper } from './stopper.ts';
import type { TaskRunner } from './task-runner.ts';

/** What it works with. */
export interface AggregationRunOptions {
  readonly active: ActiveTasks;
  readonly runner: Pick<TaskRunner, 'run'>;
  readonly stopper: Pick<Stopper, 'stop'>;
  readonly fence: Pick<Fence, 'watch'>;
  readonly runs: Pick<RunNumbers, 'reserve'>;
  /** Bounds of aggregators by the URL of their module. */
  readonly bounds: ReadonlyMap<string, HandlerBounds>;
  readonly clock: Clock;
}

/** A run that has ended. */
export interface EndedAggregation extends FinishedRun {
  readonly stop: ActiveTask['stop'];
}

/** Longer than any process lives: stands for the aggregator's own timeout, which is the smaller one. Seconds. */
const NO_TIMEOUT_SECONDS = 1_000_000_000;

/**
 * Hands the tasks of a set to the aggregator's thread. Resolves when the code has ended, or is known never to begin; not
 * while it is stuck in a native call.
 */
export function runAggregation(
  options: AggregationRunOptions,
  aggregator: HandlerReport,
  held: HeldSet,
  messages: readonly TaskMessage[],
): Promise<EndedAggregation> {
  const { active, runner, stopper, fence, clock } = options;
  const { parcel, payload } = pack(held.set.group, messages);
  return new Promise((resolve) => {
    const onEnd = (finished: FinishedRun): void => {
      active.remove(task);
      resolve({ ...finished, stop: task.stop });
    };
    const task = makeRun(options, aggregator, held, { parcel, onEnd });
    held.onChange = (isLost) => {
      task.leaseEndsMonotonicMs = isLost ? clock.monotonicMs() : held.endsMonotonicMs;
      if (isLost) stopper.stop(task, 'lease_lost');
    };
    active.add(task);
    fence.watch(task);
    runner.run(task, payload);
  });
}

function makeRun(
  { runs, bounds, clock }: AggregationRunOptions,
  aggregator: HandlerReport,
  { set, endsMonotonicMs }: HeldSet,
  aggregation: NonNullable<ActiveTask['aggregation']>,
): ActiveTask {
  const { id, queue, group } = set;
  const own = bounds.get(aggregator.url) ?? {};
  const { payload: _none, ...empty } = emptyTaskMessage();
  const timeout = own.timeoutMs === undefined ? 0 : NO_TIMEOUT_SECONDS;
  const type = `group:${group}`;
  return activeTask({
    run: runs.reserve(1),
    ref: { id, type, queue, retried: 0, maxRetry: 0 },
    raw: new Uint8Array(),
    message: { ...empty, id, type, queue, timeout },
    handler: aggregator,
    maxRetry: 0,
    bounds: own,
    crashes: 0,
    isSuspect: false,
    aggregation,
    waitedMs: undefined,
    leasedMonotonicMs: clock.monotonicMs(),
    leaseEndsMonotonicMs: endsMonotonicMs,
  });
}

/** One block of memory for all payloads: it moves to the thread without a copy. */
function pack(
  name: string,
  messages: readonly TaskMessage[],
): { parcel: GroupParcel; payload: Uint8Array } {
  const ends = new Uint32Array(messages.length);
  let size = 0;
  messages.forEach((message, index) => {
    size += message.payload.byteLength;
    ends[index] = size;
  });
  const payload = new Uint8Array(size);
  const headers = new Map<number, TaskMessage['headers']>();
  messages.forEach((message, index) => {
    payload.set(message.payload, (ends[index] ?? 0) - message.payload.byteLength);
    if (Object.keys(message.headers).length > 0) headers.set(index, message.headers);
  });
  const ids = messages.map(({ id }) => id);
  return { parcel: { name, ids, types: messages.map(({ type }) => type), ends, headers }, payload };
}
