/** A bare Piscina pool, one task per `run`: no Redis, no queue that outlives the process. */
import { Piscina } from 'piscina';
import { Stopwatch, type Timing } from '../stopwatch.ts';
import { type Backlog, type Drains, timed } from './contender.ts';

const WORKER = new URL('../piscina/worker.js', import.meta.url).href;

/** Calls of `run` under way per thread: enough that no thread ever waits for the main thread. */
const CALLS_PER_THREAD = 16;

/** What the threads could do if there were nothing but them. */
export class BarePiscina implements Drains {
  readonly name = 'bare Piscina';

  async drain(backlog: Backlog): Promise<Timing> {
    const { type, data, count, concurrency, tasksPerThread } = backlog;
    const threads = concurrency / tasksPerThread;
    const pool = new Piscina({ filename: WORKER, minThreads: threads, maxThreads: threads });
    const stopwatch = new Stopwatch(count, backlog);
    let left = count;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await pool.run({ type, data });
        stopwatch.tick();
      }
    };
    const lanes = Array.from({ length: threads * CALLS_PER_THREAD }, lane);
    Promise.all(lanes).catch((error: unknown) => {
      stopwatch.fail(error instanceof Error ? error : new Error(String(error)));
    });
    return timed(stopwatch, () => pool.destroy());
  }
}
