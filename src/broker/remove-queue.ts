/** Pauses, resumes and removes queues: the caller of `pause.lua` and `remove-queue.lua`. */
import { QUEUES, queueKeys, type QueueKeys } from '../wire/keys.ts';
import type { QueueHolds, RemoveStep } from './broker.ts';
import { type BrokerContext, call } from './context.ts';
import { toList, toNumber, toText } from './reply.ts';

/** Pauses a queue (protocol 12.8); answers whether it was not paused before. */
export async function pause(context: BrokerContext, queue: string): Promise<boolean> {
  const { paused } = queueKeys(queue);
  return toNumber(await call(context, 'pause', [paused], [context.offsetSeconds])) === 1;
}

/** Lets servers take from a queue again; answers whether it was paused. */
export async function resume({ connection }: BrokerContext, queue: string): Promise<boolean> {
  const { paused } = queueKeys(queue);
  return (await connection.run((redis) => redis.del(paused), { key: paused })) === 1;
}

/** One step of the removal of a queue (protocol 14.9). */
export async function removeQueue(
  context: BrokerContext,
  queue: string,
  step: RemoveStep,
): Promise<QueueHolds> {
  const keys = queueKeys(queue);
  const isLast = step.act === 'remove';
  const reply = await call(context, 'remove-queue', allKeys(keys), [
    context.offsetSeconds,
    step.act,
    keys.taskPrefix,
    keys.group(''),
    isLast ? step.count : 0,
    isLast && step.onlyCompleted ? '1' : '0',
  ]);
  const [holds, done, total, deleted] = toList(reply);
  return {
    holds: readHolds(toText(holds)),
    isDone: done === 1,
    total: toNumber(total),
    deleted: toNumber(deleted),
  };
}

/** Takes the queue out of the list of all queues, or adds it. */
export async function registerQueue(
  { connection }: BrokerContext,
  queue: string,
  isListed: boolean,
): Promise<void> {
  await connection.run(
    (redis) => (isListed ? redis.sadd(QUEUES, queue) : redis.srem(QUEUES, queue)),
    { key: QUEUES },
  );
}

function allKeys(keys: QueueKeys): string[] {
  const { active, pending, scheduled, retry, archived, completed, groups, aggregationSets } = keys;
  const holders = [active, pending, scheduled, retry, archived, completed, groups, aggregationSets];
  const { lease, paused, processed, failed, closedSets } = keys;
  return [...holders, lease, paused, processed, failed, closedSets];
}

function readHolds(text: string): QueueHolds['holds'] {
  return text === 'active' || text === 'tasks' || text === 'completed' ? text : 'nothing';
}
