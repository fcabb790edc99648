/**
 * Names calls of `enqueue`, so that one whose reply was lost can be repeated and is carried out once. What Redis keeps
 * of a caller is as many answers as it had calls on their way at once: a slot whose answer has come is used again.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { EnqueueCall, EnqueueEntry } from './broker.ts';
import { KEPT_SECONDS } from './enqueue.ts';

/** One call on its way. */
export interface CallName extends Omit<EnqueueCall, 'withinMs'> {
  /** Set when it repeats a call that ended without a reply: until when it may, by `performance.now()`. */
  readonly until?: number;
}

/** Whoever enqueues into one queue, until a call of it has ended without a reply. */
interface Caller {
  readonly id: string;
  readonly freeSlots: number[];
  slots: number;
  lastNumber: number;
}

/** A task of which the user was told that it may be stored. */
interface UncertainTask {
  readonly name: CallName & { readonly until: number };
  readonly digest: string;
}

/** Tasks remembered at most; what is older counts as new when it comes again. */
const MAX_UNCERTAIN = 10_000;

/** The calls of one client. */
export class EnqueueCalls {
  readonly #callers = new Map<string, Caller>();
  readonly #uncertain = new Map<string, UncertainTask>();

  /** A name for a new call; `answered` or `unanswered` is to follow. */
  begin(queue: string): CallName {
    const caller = this.#callers.get(queue) ?? newCaller();
    this.#callers.set(queue, caller);
    caller.lastNumber += 1;
    const slot = caller.freeSlots.pop() ?? caller.slots++;
    return { caller: caller.id, slot, number: caller.lastNumber };
  }

  /** The call will not be repeated: its slot is free. */
  answered(queue: string, name: CallName): void {
    const caller = this.#callers.get(queue);
    if (caller?.id === name.caller) caller.freeSlots.push(name.slot);
  }

  /**
   * No reply came, and the user is told so: each task of the call may come again. New calls get another caller, so that
   * what Redis keeps of this one stays as it is until it expires.
   */
  unanswered(queue: string, name: CallName, entries: readonly EnqueueEntry[]): void {
    if (this.#callers.get(queue)?.id === name.caller) this.#callers.delete(queue);
    // A further repeat does not prolong it: nobody knows whether it reached Redis.
    const until = name.until ?? performance.now() + KEPT_SECONDS * 1000;
    entries.forEach(({ taskId, message }, index) => {
      const place = entries.length > 1 ? { place: index + 1 } : {};
      const digest = digestOf(message);
      this.#remember(keyOf(queue, taskId), { name: { ...name, ...place, until }, digest });
    });
  }

  /** The call that this task was part of, when it comes again as it was, after no reply came. Answered once. */
  take(queue: string, { taskId, message }: EnqueueEntry): CallName | undefined {
    if (this.#uncertain.size === 0) return undefined;
    const key = keyOf(queue, taskId);
    const known = this.#uncertain.get(key);
    if (known === undefined || known.digest !== digestOf(message)) return undefined;
    this.#uncertain.delete(key);
    return performance.now() < known.name.until ? known.name : undefined;
  }

  #remember(key: string, task: UncertainTask): void {
    this.#uncertain.delete(key); // so that it becomes the youngest
    this.#uncertain.set(key, task);
    for (const oldest of this.#uncertain.keys()) {
      if (this.#uncertain.size <= MAX_UNCERTAIN) break;
      this.#uncertain.delete(oldest);
    }
  }
}

function newCaller(): Caller {
  return { id: randomUUID(), freeSlots: [], slots: 0, lastNumber: 0 };
}

/** Queue names hold no braces. */
function keyOf(queue: string, taskId: string): string {
  return `{${queue}}${taskId}`;
}

function digestOf(message: Uint8Array): string {
  return createHash('sha256').update(message).digest('base64');
}
