/** Removes queues, in steps. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Broker, QueueHolds } from '../broker/broker.ts';
import { QueueNotEmptyError } from '../errors.ts';
import { Tally } from './tally.ts';
import type { BulkResult, RemoveQueueOptions } from './types.ts';

/** What removing needs of the broker. */
export type RemovingBroker = Pick<Broker, 'removeQueue' | 'registerQueue' | 'resume'>;

/** Tasks per step. */
const STEP = 200;
/** How long after the removal a producer is looked for that had registered the queue before, and stored after it. */
const LATE_MS = 100;

/**
 * Removes a queue. It is paused while its tasks are deleted; when that is stopped, or fails, it is resumed. Its end is
 * atomic: either nothing is left of the queue, or it goes on with what was added meanwhile.
 */
export async function removeQueue(
  broker: RemovingBroker,
  queue: string,
  options: RemoveQueueOptions,
): Promise<BulkResult> {
  const { force = false } = options;
  const first = await broker.removeQueue(queue, { act: force ? 'pause' : 'look' });
  refuse(queue, first, force);
  const tally = new Tally(options, first.total);
  const step = { act: 'remove', count: STEP, onlyCompleted: !force } as const;
  let isRemoved = false;
  try {
    while (!isRemoved) {
      if (tally.isStopped) return tally.result(true);
      const reply = await broker.removeQueue(queue, step);
      refuse(queue, reply, force);
      tally.step(reply.deleted, reply.deleted);
      isRemoved = reply.isDone;
    }
  } finally {
    if (first.isDone && !isRemoved) await broker.resume(queue);
  }
  await unlist(broker, queue);
  return tally.result();
}

/** Completed tasks are in nobody's way, as in asynq. */
function refuse(queue: string, { holds }: QueueHolds, force: boolean): void {
  if (holds === 'active') throw new QueueNotEmptyError(queue, true);
  if (holds === 'tasks' && !force) throw new QueueNotEmptyError(queue, false);
}

/** A producer may store a task between the last step and this one: then the queue is there again, and stays listed. */
async function unlist(broker: RemovingBroker, queue: string): Promise<void> {
  await broker.registerQueue(queue, false);
  await pause(LATE_MS);
  const { holds } = await broker.removeQueue(queue, { act: 'look' });
  if (holds !== 'nothing') await broker.registerQueue(queue, true);
}
