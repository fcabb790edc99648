/** Gives each execution a number of its own: it names the run to its thread and in the token of its lease. */
import type { ActiveTasks } from './active-tasks.ts';

/** Run numbers fit an int32: they stand in shared memory. After the last one they begin again at 1. */
const LAST_RUN = 2_147_483_647;

/** Numbers of one server. */
export class RunNumbers {
  readonly #active: Pick<ActiveTasks, 'get'>;
  #next: number;

  constructor(active: Pick<ActiveTasks, 'get'>, next = 1) {
    this.#active = active;
    this.#next = next;
  }

  /** Reserves so many numbers in a row, none of which an active task has; answers the first. */
  reserve(count: number): number {
    let first = this.#next;
    for (let i = 0; i < count; i += 1) {
      if (first + count - 1 > LAST_RUN) {
        first = 1;
        i = -1;
      } else if (this.#active.get(first + i) !== undefined) {
        first += i + 1;
        i = -1;
      }
    }
    this.#next = first + count;
    return first;
  }
}
