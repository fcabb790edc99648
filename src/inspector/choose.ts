/** Chooses the tasks that a filter lets through. */
import type { Broker, PlacedId, TaskPlace } from '../broker/broker.ts';
import { ageSince, compileFilter } from '../policy/task-filter.ts';
import { serverEntries } from './fleet.ts';
import { readMessage } from './list-tasks.ts';
import type { TaskFilter } from './types.ts';
import type { Choose } from './walk.ts';

/** What choosing needs of the broker. */
export type ChoosingBroker = Pick<Broker, 'readTasks' | 'servers'>;

/** Without a filter all of them; with one, each task is read. */
export async function chooser(
  broker: ChoosingBroker,
  place: TaskPlace,
  filter: TaskFilter | undefined,
): Promise<Choose> {
  const test = compileFilter(filter);
  if (test === undefined) return (entries) => entries.map(() => true);
  const { queue, state } = place;
  const needsStart = state === 'active' && filter?.olderThanMs !== undefined;
  const began = needsStart ? await startedAt(broker, queue) : new Map<string, number>();
  return async (entries: readonly PlacedId[], now: number) => {
    const ids = entries.map(({ id }) => id);
    const bodies = await broker.readTasks(queue, ids, false);
    return entries.map(({ id, score }, index) => {
      const body = bodies[index];
      if (body === undefined) return false;
      const message = readMessage(body.message, id, queue);
      const { pendingSince } = body;
      const since = began.get(id) ?? ageSince(state, { message, score, pendingSince });
      return test({ message, since, now });
    });
  };
}

/** When the running tasks of a queue began, as their servers said with their last heartbeat. */
async function startedAt(broker: ChoosingBroker, queue: string): Promise<Map<string, number>> {
  const servers = serverEntries(await broker.servers());
  const workers = servers.flatMap((server) => server.workers);
  return new Map(
    workers
      .filter((worker) => worker.queue === queue)
      .map((worker) => [worker.taskId, worker.startedAt.getTime()]),
  );
}
