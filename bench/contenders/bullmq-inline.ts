/** BullMQ with an inline processor: jobs run on the main thread, isolated from nothing. */
import { Worker } from 'bullmq';
import type { BenchRedis } from '../bench-redis.ts';
import processor from '../bullmq/processor.ts';
import { BullMq } from './bullmq.ts';

/** BullMQ's fastest way for jobs that need no thread. */
export function bullmqInline(redis: BenchRedis): BullMq {
  return new BullMq(
    'BullMQ inline',
    redis,
    (name, options) => new Worker(name, processor, options),
  );
}
