/** Threadmill with tasks that asynq's own client enqueues, from a process of its own. */
import type { IdleRuntime, PicksUp } from './contender.ts';
import type { GoProgram } from './go-program.ts';
import type { Threadmill } from './threadmill.ts';

/** Waits for tasks from Go. */
export class GoClient implements PicksUp {
  readonly name = 'Threadmill, Go client';
  readonly #threadmill: Threadmill;
  readonly #program: GoProgram;

  constructor(threadmill: Threadmill, program: GoProgram) {
    this.#threadmill = threadmill;
    this.#program = program;
  }

  openIdle(concurrency: number): Promise<IdleRuntime> {
    return this.#threadmill.openIdle(concurrency, async (queue) => {
      const task = { queue, type: 'stamp', payload: JSON.stringify({ turns: 0 }) };
      return Number(await this.#program.call('enqueue', task));
    });
  }
}
