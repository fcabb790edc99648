/** Piscina's entry: one per thread. Importing it makes the thread a task thread; see `TaskThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { TaskEnvelope, ThreadSettings } from '../src/threads/messages.ts';
import { TaskThread } from './task-thread.ts';

if (parentPort === null) throw new Error('task-worker is the entry of a worker thread');

const thread = new TaskThread(workerData as ThreadSettings, parentPort);

/** Runs one task. Never rejects; resolves with nothing, as the outcome goes through the control port. */
export default function runTask(envelope: TaskEnvelope): Promise<void> {
  return thread.run(envelope);
}
