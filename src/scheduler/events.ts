/** What happens in a scheduler, as users, logs and metrics hear it. */
import { EventEmitter } from 'node:events';
import { toError } from '../errors.ts';

/** Names an entry. */
export interface EntryRef {
  readonly id: string;
  readonly name: string | undefined;
  readonly type: string;
  readonly queue: string;
}

/** Events of `Scheduler`. Only the scheduler that leads an entry tells of it. */
export interface SchedulerEvents {
  /** The task of a tick was enqueued. */
  enqueued: [{ readonly entry: EntryRef; readonly tick: Date; readonly taskId: string }];
  /** A tick without a task: a unique task of the kind waits or runs (`ERR_DUPLICATE_TASK`), or it was refused for good. */
  skipped: [{ readonly entry: EntryRef; readonly tick: Date; readonly error: Error }];
  /** Ticks were missed, the last one at `lastTick`; `enqueued` of them are made up for now. */
  missed: [{ readonly entry: EntryRef; readonly lastTick: Date; readonly enqueued: number }];
  /** A failure in the background; what failed is tried again. */
  fault: [{ readonly where: string; readonly error: Error }];
}

/** Called with the one argument of the event. What it throws goes to `fault`. */
export type SchedulerListener<Name extends keyof SchedulerEvents> = (
  event: SchedulerEvents[Name][0],
) => void;

/** Emits what happened; a listener that throws harms nobody but itself. */
export class SchedulerEmitter {
  readonly #emitter = new EventEmitter();

  on<Name extends keyof SchedulerEvents>(name: Name, listener: SchedulerListener<Name>): void {
    this.#emitter.on(name, listener);
  }

  off<Name extends keyof SchedulerEvents>(name: Name, listener: SchedulerListener<Name>): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof SchedulerEvents>(name: Name, event: SchedulerEvents[Name][0]): void {
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        const answer: unknown = Reflect.apply(listener, this.#emitter, [event]);
        if (answer instanceof Promise) answer.catch((error) => this.#report(name, error));
      } catch (error) {
        this.#report(name, error);
      }
    }
  }

  fault(where: string, error: unknown): void {
    this.emit('fault', { where, error: toError(error) });
  }

  #report(name: keyof SchedulerEvents, error: unknown): void {
    if (name === 'fault')
      process.stderr.write(`threadmill: a listener of 'fault' threw: ${String(error)}\n`);
    else this.fault(`listener of '${name}'`, error);
  }
}
