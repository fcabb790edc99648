/** Reads pages of tasks. */
import type { Broker, PlacedId, PlacedIds, TaskBody, TaskPlace } from '../broker/broker.ts';
import { UndecodableMessageError } from '../errors.ts';
import { taskInfo } from '../policy/task-info.ts';
import { UNDECODABLE_TYPE } from '../task.ts';
import { decodeTaskMessage, emptyTaskMessage, type TaskMessage } from '../wire/task-message.ts';
import { checkPage, checkState, throwIssues } from './checks.ts';
import type { ListedTask, TaskListOptions, TaskPage } from './types.ts';

/** One page of a list. An ID whose task is gone by then is left out. */
export async function listTasks(
  broker: Pick<Broker, 'listIds' | 'readTasks'>,
  options: TaskListOptions,
): Promise<TaskPage> {
  const { queue, state, group } = options;
  const { page, size } = checkPage(options);
  throwIssues(checkState(state, group));
  const place = { queue, state, group };
  const ids = await broker.listIds(place, (page - 1) * size, size);
  const bodies = await broker.readTasks(
    queue,
    ids.entries.map(({ id }) => id),
    true,
  );
  const tasks = ids.entries.flatMap((entry, index) => {
    const body = bodies[index];
    return body === undefined ? [] : [listed(place, entry, body, ids)];
  });
  return { tasks, total: ids.total, page, size };
}

/** The message, or one that says whose bytes these are not. */
export function readMessage(bytes: Uint8Array, id: string, queue: string): TaskMessage {
  try {
    return decodeTaskMessage(bytes);
  } catch (error) {
    if (!(error instanceof UndecodableMessageError)) throw error;
    return { ...emptyTaskMessage(), type: UNDECODABLE_TYPE, id, queue, errorMsg: error.message };
  }
}

function listed(
  { queue, state }: TaskPlace,
  { id, score }: PlacedId,
  body: TaskBody,
  { now }: PlacedIds,
): ListedTask {
  const isTimed = state === 'scheduled' || state === 'retry';
  const info = taskInfo({
    message: readMessage(body.message, id, queue),
    state,
    result: body.result,
    dueAt: isTimed && score !== undefined ? score * 1000 : undefined,
  });
  if (state !== 'active') return info;
  // As in asynq the lease counts as over from its last second on; none at all is just as orphaned.
  return { ...info, isOrphaned: score === undefined || score <= Math.floor(now / 1000) };
}
