/** A typed emitter for `ServerEvents` in which a listener that throws harms nobody but itself. */
import { toError } from '../errors.ts';
import type { ServerEvents } from './events.ts';

/** Called with the one argument of the event. */
export type ServerListener<Name extends keyof ServerEvents> = (
  event: ServerEvents[Name][0],
) => void;

/** A listener as it was given; `isOnce`: it goes with its first event. */
interface Entry {
  readonly listener: (event: never) => void;
  readonly isOnce: boolean;
}

/** Emits what happened, once, to metrics, logs, hooks and tests. Several events come of every task: it must cost little. */
export class ServerEmitter {
  /** A list is never changed but replaced: an event goes to those who listened when it came. */
  readonly #entries = new Map<keyof ServerEvents, readonly Entry[]>();

  on<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    this.#add(name, { listener, isOnce: false });
  }

  once<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    this.#add(name, { listener, isOnce: true });
  }

  /** Where one listener was given more than once, the last goes. */
  off<Name extends keyof ServerEvents>(name: Name, listener: ServerListener<Name>): void {
    const entry = this.#entries.get(name)?.findLast((each) => each.listener === listener);
    if (entry !== undefined) this.#remove(name, entry);
  }

  emit<Name extends keyof ServerEvents>(name: Name, event: ServerEvents[Name][0]): void {
    const entries = this.#entries.get(name);
    if (entries === undefined) return;
    for (const entry of entries) {
      // One that was taken by an event emitted meanwhile, by an earlier listener, has had its own.
      if (entry.isOnce && !this.#remove(name, entry)) continue;
      this.#tell(name, entry.listener as ServerListener<Name>, event);
    }
  }

  /** Reports a background failure. A fault in a listener of `fault` itself goes to stderr, the last place left. */
  fault(where: string, error: unknown): void {
    this.emit('fault', { where, error: toError(error) });
  }

  #tell<Name extends keyof ServerEvents>(
    name: Name,
    listener: ServerListener<Name>,
    event: ServerEvents[Name][0],
  ): void {
    try {
      // A listener may be async though its type says void: its rejection must not end the process.
      const answer: unknown = listener(event);
      if (answer instanceof Promise) answer.catch((error) => this.#report(name, error));
    } catch (error) {
      this.#report(name, error);
    }
  }

  #add(name: keyof ServerEvents, entry: Entry): void {
    this.#entries.set(name, [...(this.#entries.get(name) ?? []), entry]);
  }

  /** `false` when it was removed before. */
  #remove(name: keyof ServerEvents, entry: Entry): boolean {
    const entries = this.#entries.get(name) ?? [];
    const left = entries.filter((each) => each !== entry);
    this.#entries.set(name, left);
    return left.length < entries.length;
  }

  #report(name: keyof ServerEvents, error: unknown): void {
    if (name === 'fault')
      process.stderr.write(`threadmill: a listener of 'fault' threw: ${String(error)}\n`);
    else this.fault(`listener of '${name}'`, error);
  }
}
