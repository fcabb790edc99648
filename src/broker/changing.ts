/** The calls of operators that change something, put together. */
import type { ChangingCalls } from './broker.ts';
import { changeTasks, sweep } from './change-tasks.ts';
import type { BrokerContext } from './context.ts';
import { pause, registerQueue, removeQueue, resume } from './remove-queue.ts';

/** What a broker over this connection can change for operators. */
export function changing(context: BrokerContext): ChangingCalls {
  return {
    changeTasks: (...args) => changeTasks(context, ...args),
    sweep: (step) => sweep(context, step),
    pause: (queue) => pause(context, queue),
    resume: (queue) => resume(context, queue),
    removeQueue: (...args) => removeQueue(context, ...args),
    registerQueue: (...args) => registerQueue(context, ...args),
  };
}
