/** CPU-bound work of the size that the task names. */
import type { Task } from '../../src/handler.ts';
import type { JobData } from '../work/jobs.ts';
import { spin } from '../work/spin.ts';

/** The handler of `spin`. */
export default function spinHandler(task: Task<JobData>): number {
  return spin(task.json().turns);
}
