/** Does what it is told. */
import type { Task } from '../../src/handler.ts';

/** The handler of `good`. */
export default function good(task: Task): number {
  return task.payload.length;
}
