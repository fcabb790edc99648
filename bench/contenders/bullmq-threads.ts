/** BullMQ with a sandboxed processor in worker threads: the isolation that Threadmill gives. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'bullmq';
import type { BenchRedis } from '../bench-redis.ts';
import { BullMq } from './bullmq.ts';

const PROCESSOR = fileURLToPath(new URL('../bullmq/processor.js', import.meta.url));

/** BullMQ with `useWorkerThreads`: one thread per job that runs at once. */
export function bullmqThreads(redis: BenchRedis): BullMq {
  return new BullMq(
    'BullMQ threads',
    redis,
    (name, options) => new Worker(name, PROCESSOR, { ...options, useWorkerThreads: true }),
  );
}
