/**
 * Tells the main thread of every process that a handler starts: it ends them with the thread. At once, before `spawn`
 * returns, as the code after it may never yield. `spawnSync` and its kin make no object that could be named; the
 * supervisor ends these with the process group.
 */
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import type { FromThread } from '../src/threads/messages.ts';
import type { ThreadBoard } from './thread-board.ts';

/** A process before it is started; `spawn` is what `fork`, `exec` and `execFile` call as well. */
type Unstarted = ChildProcess & { spawn?: (...options: unknown[]) => unknown };

/**
 * From now on posts `spawned` and `exited` for all processes of this thread. `currentRun` names the run whose code is
 * running, 0 for none. Nothing is kept here: each process brings its own listener.
 */
export function watchChildProcesses(
  post: (message: FromThread) => void,
  currentRun: () => number,
  board: Pick<ThreadBoard, 'startProcess'>,
): void {
  // Node publishes the object when it is made, before it has a pid. Its 'spawn' event would come a turn later, which
  // code that never yields does not reach; so the one call that starts the process is followed.
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: Unstarted };
    const { spawn } = child;
    if (spawn === undefined) return;
    const follow = (...options: unknown[]): unknown => {
      delete child.spawn; // its own: the prototype's shows again
      return board.startProcess(() => {
        const answer = spawn.apply(child, options);
        tell(child, post, currentRun());
        return answer;
      });
    };
    Object.defineProperty(child, 'spawn', { value: follow, configurable: true, writable: true });
  });
}

/** Without a pid it could not be started. */
function tell(child: ChildProcess, post: (message: FromThread) => void, run: number): void {
  const { pid } = child;
  if (pid === undefined) return;
  child.once('exit', () => post({ kind: 'exited', pid }));
  post({ kind: 'spawned', run, pid });
}
