/** A loop that never yields and looks whether it is to stop; answers the instant at which it saw so. */
import type { Task, TaskContext } from '../../../src/handler.ts';
import { nowMs } from '../../work/first-line.ts';

/** The handler of `poll`. */
export default function poll(_task: Task, ctx: TaskContext): number {
  ctx.progress('running');
  while (!ctx.canceled);
  return nowMs();
}
