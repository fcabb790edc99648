/**
 * Loaded first in every process of the fleet (`node --import`): notes when its threads and child processes end, in the
 * very turn in which Node learns of it, before the runtime can act on it; and shifts the clock where one is to be off.
 */
import { type ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread, type Worker } from 'node:worker_threads';
import { CLOCK_ENV, note, SERVER_ENV } from './records.ts';

const clockMs = Number(process.env[CLOCK_ENV] ?? 0);
if (clockMs !== 0) shiftClock(clockMs);
if (isMainThread) watch();

function watch(): void {
  const { pid } = process;
  const server = process.env[SERVER_ENV] ?? '';
  note({ k: 'process', pid, parent: process.ppid, server, clockMs });
  subscribe('worker_threads', (message) => {
    const { worker } = message as { readonly worker: Worker };
    const tid = worker.threadId; // -1 once it has ended
    worker.once('exit', () => note({ k: 'thread-gone', pid, tid }));
  });
  subscribe('child_process', (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    child.once('exit', () => {
      if (child.pid !== undefined) note({ k: 'gone', pid: child.pid, by: 'parent' });
    });
  });
  // A child whose supervisor is gone kills itself in a listener that comes after this one.
  process.on('disconnect', () => note({ k: 'gone', pid, by: 'disconnect' }));
}

/** The wall clock alone: durations and fences are measured by the monotonic one, which cannot be set. */
function shiftClock(ms: number): void {
  const Real = Date;
  const now = (): number => Real.now() + ms;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args: unknown[]) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
    apply: () => new Real(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
}
