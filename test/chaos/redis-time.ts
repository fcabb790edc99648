/** The machine's monotonic clock against Redis TIME, so that records can be read in the latter. */
import type { Redis } from 'ioredis';
import { monotonicMs } from './records.ts';

const TRIES = 20;

/** What is to be added to monotonic milliseconds. Of several round trips the quickest tells best. */
export async function redisTimeOffset(redis: Redis): Promise<number> {
  let best = { tookMs: Number.POSITIVE_INFINITY, offsetMs: 0 };
  for (let i = 0; i < TRIES; i += 1) {
    const before = monotonicMs();
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
    const tookMs = monotonicMs() - before;
    const offsetMs = seconds * 1_000 + micros / 1_000 - (before + tookMs / 2);
    if (tookMs < best.tookMs) best = { tookMs, offsetMs };
  }
  return best.offsetMs;
}
