/** Asynchronous code that waits to be stopped; answers the instant at which it was. */
import type { Task, TaskContext } from '../../../src/handler.ts';
import { nowMs } from '../../work/first-line.ts';

/** The handler of `listen`. */
export default function listen(_task: Task, ctx: TaskContext): Promise<number> {
  return new Promise((resolve) => {
    const hold = setInterval(() => undefined, 60_000); // what it waits for, and would never come
    ctx.signal.addEventListener('abort', () => {
      resolve(nowMs());
      clearInterval(hold);
    });
    ctx.progress('running'); // last, as a stop may follow at once
  });
}
