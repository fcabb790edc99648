/** A call that nothing can interrupt: only the end of its process ends it. */
import { execFileSync } from 'node:child_process';
import type { Task, TaskContext } from '../../../src/handler.ts';

/** The handler of `native`. */
export default function native(_task: Task, ctx: TaskContext): void {
  ctx.progress('running');
  execFileSync('sleep', ['60']);
}
