/** Piscina's entry: one per thread. Importing it makes the thread a task thread; see `TaskThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadSettings } from '../src/threads/messages.ts';
import type { TaskBatch } from '../src/threads/task-batch.ts';
import { TaskThread } from './task-thread.ts';

if (parentPort === null) throw new Error('task-worker is the entry of a worker thread');

const thread = new TaskThread(workerData as ThreadSettings, parentPort);

/** Runs the tasks of one message. Never rejects; resolves with nothing when the thread is through with all of them. */
export default function runTasks(batch: TaskBatch): Promise<void> {
  return thread.run(batch);
}
