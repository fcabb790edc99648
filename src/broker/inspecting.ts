/** The inspecting calls, put together. */
import type { InspectingCalls } from './broker.ts';
import type { BrokerContext } from './context.ts';
import { groupSizes, hasQueue, history, queueInfo, queues } from './inspect-queues.ts';
import { getTask } from './inspect-tasks.ts';
import { listIds, readTasks } from './list-tasks.ts';
import { scheduleEntries, scheduleEvents, servers } from './read-presence.ts';

/** What a broker over this connection can tell. */
export function inspecting(context: BrokerContext): InspectingCalls {
  return {
    queues: () => queues(context),
    hasQueue: (queue) => hasQueue(context, queue),
    queueInfo: (queue) => queueInfo(context, queue),
    history: (...args) => history(context, ...args),
    groupSizes: (queue) => groupSizes(context, queue),
    getTask: (...args) => getTask(context, ...args),
    listIds: (...args) => listIds(context, ...args),
    readTasks: (...args) => readTasks(context, ...args),
    servers: () => servers(context),
    scheduleEntries: () => scheduleEntries(context),
    scheduleEvents: (...args) => scheduleEvents(context, ...args),
  };
}
