/** What both ways to run BullMQ share. Jobs are deleted when done, as Threadmill's are without a retention. */
import { type ConnectionOptions, Queue, type Worker, type WorkerOptions } from 'bullmq';
import type { BenchRedis } from '../bench-redis.ts';
import { BENCH_PREFIX } from '../bench-redis.ts';
import { Stopwatch, type Timing } from '../stopwatch.ts';
import { nowMs } from '../work/first-line.ts';
import type { JobData, JobType } from '../work/jobs.ts';
import {
  type Backlog,
  type Drains,
  type Enqueues,
  type IdleRuntime,
  type PicksUp,
  type Producer,
  timed,
} from './contender.ts';
import { ENQUEUE_PAYLOAD } from './payload.ts';
import { freshQueue } from './queue-name.ts';

type BenchQueue = Queue<object, unknown>;
type BenchWorker = Worker<JobData, number | undefined, JobType>;

/** How a worker gets its processor. */
export type WorkerFactory = (name: string, options: WorkerOptions) => BenchWorker;

const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true };

/** Jobs in one `addBulk`: a transaction of a single round trip. */
const BULK = 1_000;

/** Runs, enqueues and picks up jobs with BullMQ. */
export class BullMq implements Drains, Enqueues, PicksUp {
  readonly name: string;
  readonly #connection: ConnectionOptions;
  readonly #makeWorker: WorkerFactory;

  constructor(name: string, redis: BenchRedis, makeWorker: WorkerFactory) {
    this.name = name;
    // A copy, as BullMQ's type of the same options knows no `undefined`.
    this.#connection = Object.fromEntries(Object.entries(redis.options));
    this.#makeWorker = makeWorker;
  }

  async drain(backlog: Backlog): Promise<Timing> {
    const name = freshQueue();
    await this.#store(name, backlog);
    const stopwatch = new Stopwatch(backlog.count, backlog);
    const worker = this.#worker(name, backlog.concurrency);
    worker.on('completed', () => stopwatch.tick());
    onTrouble(worker, (error) => stopwatch.fail(error));
    return timed(stopwatch, () => worker.close());
  }

  async openProducer(): Promise<Producer> {
    const queue = this.#queue(freshQueue());
    const job = { name: 'image:resize', data: ENQUEUE_PAYLOAD, opts: JOB_OPTIONS };
    await queue.waitUntilReady();
    return {
      one: async () => {
        await queue.add(job.name, job.data, job.opts);
      },
      many: async (count) => {
        await queue.addBulk(Array.from({ length: count }, () => job));
      },
      close: () => queue.close(),
    };
  }

  async openIdle(concurrency: number): Promise<IdleRuntime> {
    const name = freshQueue();
    const queue = this.#queue(name);
    const worker = this.#worker(name, concurrency);
    const broken = new Promise<never>((_resolve, reject) => onTrouble(worker, reject));
    broken.catch(() => undefined); // it may come when nobody waits any more
    await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
    return {
      broken,
      enqueueStamp: async () => {
        const calledAtMs = nowMs();
        await queue.add('stamp', { turns: 0 }, JOB_OPTIONS);
        return calledAtMs;
      },
      close: async () => {
        await worker.close();
        await queue.close();
      },
    };
  }

  #queue(name: string): BenchQueue {
    return new Queue(name, { connection: this.#connection, prefix: BENCH_PREFIX });
  }

  #worker(name: string, concurrency: number): BenchWorker {
    return this.#makeWorker(name, {
      connection: this.#connection,
      prefix: BENCH_PREFIX,
      concurrency,
    });
  }

  async #store(name: string, { type, data, count }: Backlog): Promise<void> {
    const queue = this.#queue(name);
    const job = { name: type, data, opts: JOB_OPTIONS };
    try {
      for (let left = count; left > 0; left -= BULK) {
        await queue.addBulk(Array.from({ length: Math.min(left, BULK) }, () => job));
      }
    } finally {
      await queue.close();
    }
  }
}

function onTrouble(worker: BenchWorker, tell: (error: Error) => void): void {
  worker.on('failed', (_job, error) => tell(error));
  worker.on('error', tell);
}
