/** What a task of the known set is told to do, and the frame round every handler that records its executions. */
import { randomBytes } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import type { Task, TaskContext } from '../../src/handler.ts';
import { note, type OwnEnd, SERVER_ENV } from './records.ts';

/** The payload. */
export interface Deed {
  /** Its number in the known set, whatever ID it is stored under. */
  readonly key: number;
  /** How long it takes when it behaves. */
  readonly ms: number;
  /** It misbehaves as long as it has failed less often. */
  readonly failures: number;
  /** Which of several ways. */
  readonly way: number;
}

/** What the result of a task says: the execution that gave it. */
export interface DeedResult {
  readonly x: string;
}

/** What a handler does. `isBad`: this attempt is to misbehave; `die` notes that what runs it is about to end. */
export type Act = (
  deed: Deed,
  more: { readonly isBad: boolean; readonly ctx: TaskContext; die(): void },
) => unknown;

/** A handler of these tasks. */
export type RecordedHandler = (task: Task<Deed>, ctx: TaskContext) => Promise<DeedResult>;

/** A handler that notes start and end of each execution. */
export function recorded(act: Act): RecordedHandler {
  return async (task, ctx) => {
    const deed = task.json();
    const x = randomBytes(6).toString('base64url');
    const { id, type, retried } = task;
    const { pid } = process;
    const server = process.env[SERVER_ENV] ?? '';
    note({ k: 'start', x, key: deed.key, task: id, type, retried, pid, tid: threadId, server });
    const end = (how: OwnEnd): void => note({ k: 'end', x, how });
    try {
      await act(deed, { isBad: retried < deed.failures, ctx, die: () => end('dying') });
    } catch (error) {
      end(ctx.canceled ? 'stopped' : 'threw');
      throw error;
    }
    end('ok');
    return { x };
  };
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Holds the thread without ever yielding, and busy a fifth of the time: the machine has other work. */
export function holdThread(ms: number): void {
  const until = performance.now() + ms;
  for (let now = performance.now(); now < until; now = performance.now()) {
    while (performance.now() < now + 2);
    Atomics.wait(cell, 0, 0, Math.min(8, Math.max(0, until - performance.now())));
  }
}
