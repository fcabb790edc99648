/** A typed emitter for `ServerEvents` in which a listener that throws harms nobody but itself. */
import { EventEmitter } from 'node:events';
import { toError } from '../errors.ts';
import type { ServerEvents } from './events.ts';

/** Called with the one argument of the event. */
export type ServerListener<Name extends keyof ServerEvents> = (
  event: ServerEvents[Name][0],
) => void;

/** Emits what happened, once, to metrics, logs, hooks and tests. */
export class ServerEmitter {
  readonly #emitter = new EventEmitter();

  constructor() {
    this.#emitter.setMaxListeners(0);
  }

  on<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    this.#emitter.on(name, listener);
  }

  once<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    this.#emitter.once(name, listener);
  }

  off<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof ServerEvents>(name: Name, event: ServerEvents[Name][0]): void {
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        // A listener may be async though its type says void: its rejection must not end the process.
        const answer: unknown = Reflect.apply(listener, this.#emitter, [event]);
        if (answer instanceof Promise) answer.catch((error) => this.#report(name, error));
      } catch (error) {
        this.#report(name, error);
      }
    }
  }

  /** Reports a background failure. A fault in a listener of `fault` itself goes to stderr, the last place left. */
  fault(where: string, error: unknown): void {
    this.emit('fault', { where, error: toError(error) });
  }

  #report(name: keyof ServerEvents, error: unknown): void {
    if (name === 'fault')
      process.stderr.write(`threadmill: a listener of 'fault' threw: ${String(error)}\n`);
    else this.fault(`listener of '${name}'`, error);
  }
}
