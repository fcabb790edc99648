/** Counts what the main thread posts to its threads. Only for trials: counting is work as well. */
import { MessagePort, Worker } from 'node:worker_threads';

/** Runs `work`, and answers how many messages were posted meanwhile. Not to be nested. */
export async function countMessages(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const undo = [MessagePort.prototype, Worker.prototype].map((prototype) => {
    const post = Object.getOwnPropertyDescriptor(prototype, 'postMessage');
    if (typeof post?.value !== 'function') throw new Error('there is no postMessage');
    const original = post.value as (...args: unknown[]) => unknown;
    const counted = function counted(this: unknown, ...args: unknown[]): unknown {
      count += 1;
      return original.apply(this, args);
    };
    Object.defineProperty(prototype, 'postMessage', { ...post, value: counted });
    return () => Object.defineProperty(prototype, 'postMessage', post);
  });
  try {
    await work();
  } finally {
    for (const restore of undo) restore();
  }
  return count;
}
