/** Stops tasks that someone in the fleet asks to cancel (protocol 12.2): any client, CLI or web UI, by task ID. */
import type { Broker } from '../broker/broker.ts';
import type { ActiveTasks } from './active-tasks.ts';
import type { Service } from './service.ts';
import type { Stopper } from './stopper.ts';

/** What the canceler works with. */
export interface CancelerOptions {
  readonly broker: Pick<Broker, 'subscribeCancel'>;
  readonly active: ActiveTasks;
  readonly stopper: Pick<Stopper, 'stop'>;
}

/** Listens for cancel requests; those for tasks of other servers are ignored. */
export function canceler({ broker, active, stopper }: CancelerOptions): Service {
  let unsubscribe: (() => Promise<void>) | undefined;
  return {
    name: 'canceler',
    async start() {
      unsubscribe = await broker.subscribeCancel((taskId) => {
        for (const task of active.withId(taskId)) stopper.stop(task, 'canceled');
      });
    },
    async stop() {
      await unsubscribe?.();
      unsubscribe = undefined;
    },
  };
}
