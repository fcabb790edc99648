/** Runs suspects with nothing beside them, so that only a task that dies alone is blamed. */
import type { Clock } from '../clock.ts';
import { FENCE_MARGIN_MS } from '../policy/fence.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import type { Finisher } from './finisher.ts';
import type { Supervised } from './supervised.ts';
import type { TaskRunner } from './task-runner.ts';

/** Where suspects go instead of to the next free thread. */
export interface Isolation {
  /** Whether nothing may be leased now: a suspect waits for the others to end, or runs. */
  readonly isHolding: boolean;
  run(task: ActiveTask, payload: Uint8Array): void;
  /** Takes back a suspect that has not been handed to a thread; `false` when it is not here. */
  withdraw(task: ActiveTask): boolean;
}

/** What `isolationHere` works with. */
export interface IsolationHereOptions {
  readonly active: Pick<ActiveTasks, 'changed' | 'inSlots' | 'get'>;
  readonly runner: Pick<TaskRunner, 'run'>;
  readonly clock: Clock;
  /** Called when tasks may be leased again. */
  onReleased(): void;
}

/** The fence acts in the same turn of the loop, or an extension has been heard by then. */
const LOOK_AGAIN_MS = 25;

interface Waiting {
  readonly task: ActiveTask;
  readonly payload: Uint8Array;
}

/**
 * In a server without supervisor: nothing more is leased until the running tasks have ended and the suspects have run,
 * one after the other. A task that is stuck is not waited for: it may never end. What was leased together with a suspect
 * waits behind it.
 */
export class IsolationHere implements Isolation {
  readonly #options: IsolationHereOptions;
  #line: Waiting[] = [];
  #current: ActiveTask | undefined;
  #isWatching = false;
  #isLookingAgain = false;

  constructor(options: IsolationHereOptions) {
    this.#options = options;
  }

  get isHolding(): boolean {
    return this.#line.length > 0 || this.#current !== undefined;
  }

  run(task: ActiveTask, payload: Uint8Array): void {
    this.#line.push({ task, payload });
    this.#step();
  }

  withdraw(task: ActiveTask): boolean {
    const length = this.#line.length;
    this.#line = this.#line.filter((waiting) => waiting.task !== task);
    return this.#line.length < length;
  }

  #step(): void {
    if (this.#current !== undefined && !this.#runs(this.#current)) this.#current = undefined;
    while (this.#runNext());
    if (!this.isHolding) return this.#options.onReleased();
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#options.active.changed().then(() => {
      this.#isWatching = false;
      this.#step();
    });
  }

  /** Runs the first of the line, if it may run now. */
  #runNext(): boolean {
    const next = this.#line[0];
    if (next === undefined || this.#current !== undefined) return false;
    const { task, payload } = next;
    if (this.#isFenced(task)) return this.#lookAgain();
    if (task.isSuspect && !this.#isClear()) return false;
    this.#line.shift();
    if (task.isSuspect) this.#current = task;
    this.#options.runner.run(task, payload);
    return true;
  }

  /** The process stood still: the fence is overdue and takes it out of the line, unless an extension is heard before. */
  #lookAgain(): false {
    if (this.#isLookingAgain) return false;
    this.#isLookingAgain = true;
    setTimeout(() => {
      this.#isLookingAgain = false;
      this.#step();
    }, LOOK_AGAIN_MS).unref();
    return false;
  }

  #isFenced({ leaseEndsMonotonicMs }: ActiveTask): boolean {
    return leaseEndsMonotonicMs - this.#options.clock.monotonicMs() <= FENCE_MARGIN_MS;
  }

  #isClear(): boolean {
    const waiting = new Set(this.#line.map(({ task }) => task));
    return this.#options.active.inSlots().every((task) => waiting.has(task) || task.isStuck);
  }

  #runs(task: ActiveTask): boolean {
    const isHere = this.#options.active.get(task.run) === task;
    return isHere && task.phase !== 'settling' && !task.isStuck;
  }
}

/** What `isolationElsewhere` works with. */
export interface IsolationElsewhereOptions {
  readonly active: Pick<ActiveTasks, 'remove'>;
  readonly finisher: Pick<Finisher, 'putOff' | 'finishUnbegun'>;
  readonly supervised: Pick<Supervised, 'isolate'>;
  /** This server as its leases name it. */
  readonly serverName: string;
  /** A cancel request came while the task went over: who holds it now has not heard it. */
  onTakenCanceled(taskId: string): void;
}

/**
 * In a child process: the supervisor has each suspect run in a process of its own. While it is offered it keeps its
 * slot and its lease here, and nothing is settled: the other process may hold it already.
 */
export function isolationElsewhere(options: IsolationElsewhereOptions): Isolation {
  const { active, finisher, supervised, serverName, onTakenCanceled } = options;
  const offer = async (task: ActiveTask): Promise<void> => {
    task.isOffered = true;
    const { queue, id: taskId } = task.ref;
    const isTaken = await supervised.isolate({
      queue,
      taskId,
      holder: { server: serverName, run: task.run },
    });
    task.isOffered = false;
    if (isTaken) {
      active.remove(task);
      if (task.stop === 'canceled') onTakenCanceled(taskId);
    } else if (task.stop === undefined) {
      finisher.putOff(task, 'it is to run alone, and another task does so now');
    } else {
      finisher.finishUnbegun(task);
    }
  };
  return {
    isHolding: false,
    run: (task) => void offer(task),
    withdraw: () => false,
  };
}
