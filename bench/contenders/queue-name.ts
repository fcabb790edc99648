/** Names for queues of the benchmark. */
import { BENCH_PREFIX } from '../bench-redis.ts';

let last = 0;

/** A queue that nobody used before in this run. */
export function freshQueue(): string {
  last += 1;
  return `${BENCH_PREFIX}-${process.pid}-${last}`;
}
