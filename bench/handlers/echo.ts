/** Answers its payload: what comes in large goes out large. */
import type { Task } from '../../src/handler.ts';

/** The handler of `echo`. */
export default function echo(task: Task): Uint8Array {
  return task.payload;
}
