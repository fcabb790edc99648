/** Times a call that stands in the innermost loop. */
import type { Task, TaskContext } from '../../../src/handler.ts';

/** What is called, and how often. */
export interface CallsData {
  readonly what: 'load' | 'throwIfCanceled' | 'heartbeat';
  readonly count: number;
}

const cells = new Int32Array(new SharedArrayBuffer(4));

/** One loop for each, as a call through a variable would be measured as well. Answers what keeps it from being left out. */
const LOOPS: Readonly<Record<CallsData['what'], (count: number, ctx: TaskContext) => number>> = {
  load: (count) => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) sum += Atomics.load(cells, 0);
    return sum;
  },
  throwIfCanceled: (count, ctx) => {
    for (let i = 0; i < count; i += 1) ctx.throwIfCanceled();
    return 0;
  },
  heartbeat: (count, ctx) => {
    for (let i = 0; i < count; i += 1) ctx.heartbeat();
    return 0;
  },
};

/** The handler of `calls`: nanoseconds a call. */
export default function calls(task: Task<CallsData>, ctx: TaskContext): number {
  const { what, count } = task.json();
  const loop = LOOPS[what];
  const began = process.hrtime.bigint();
  if (loop(count, ctx) !== 0) throw new Error('the loop was left out');
  return Number(process.hrtime.bigint() - began) / count;
}
