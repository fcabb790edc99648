/** asynq in Go: a server with a handler that does nothing, and tasks that are the same bytes as Threadmill's. */
import type { Timing } from '../stopwatch.ts';
import type { Backlog, Drains } from './contender.ts';
import type { GoProgram } from './go-program.ts';
import { freshQueue } from './queue-name.ts';
import { storeBacklog } from './store-backlog.ts';

/** Works off backlogs with so many goroutines, whatever the concurrency of the others. */
export class Asynq implements Drains {
  readonly name: string;
  readonly #program: GoProgram;
  readonly #redisUrl: string;
  readonly #concurrency: number;

  constructor(program: GoProgram, redisUrl: string, concurrency: number) {
    this.name = `asynq in Go, concurrency ${concurrency}`;
    this.#program = program;
    this.#redisUrl = redisUrl;
    this.#concurrency = concurrency;
  }

  /** Only for `noop`: nothing else is written in Go. Times from the last handler of the warm-up to the last of all. */
  async drain(backlog: Backlog): Promise<Timing> {
    if (backlog.type !== 'noop') throw new RangeError(`asynq cannot run ${backlog.type}`);
    const queue = freshQueue();
    await storeBacklog(this.#redisUrl, queue, backlog);
    const { count, warmUp } = backlog;
    const order = { queue, count, warmUp, concurrency: this.#concurrency };
    return (await this.#program.call('drain', order)) as Timing;
  }
}
