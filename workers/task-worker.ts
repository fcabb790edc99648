/** Piscina's entry: one per thread. Importing it makes the thread a task thread; see `TaskThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadSettings } from '../src/threads/messages.ts';
import { TaskThread } from './task-thread.ts';

if (parentPort === null) throw new Error('task-worker is the entry of a worker thread');

new TaskThread(workerData as ThreadSettings, parentPort);

/** What Piscina would call with a task. It is given none: they come through the control port. */
export default function refuse(): never {
  throw new Error('tasks come through the control port');
}
