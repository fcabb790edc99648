/** Reads a byte of every page of its payload, so that all of it has to be there. */
import type { Task } from '../../src/handler.ts';
import { touchPages } from '../work/touch.ts';

/** The handler of `touch`. */
export default function touch(task: Task): void {
  touchPages(task.payload);
}
