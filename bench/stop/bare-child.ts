/** A process with nothing in it: what the system alone takes to start one and to end one. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('./bare-child-main.js', import.meta.url));

/** Starts one; resolves with its first message. */
export async function startBareChild(): Promise<ChildProcess> {
  const child = fork(ENTRY);
  await once(child, 'message');
  return child;
}

/** Ends it; resolves when it is gone. */
export async function endBareChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
