/**
 * Sees to it that nothing outlives the program, however it ends: by an exit, Ctrl-C or kill -9. A shell holds the list
 * of all processes, told through a pipe; when the pipe closes it kills what is on it.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
pids=
while read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) rest=; for pid in $pids; do [ "$pid" = "\${line#-}" ] || rest="$rest $pid"; done; pids=$rest ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
`;

/** The list. */
export class Guard {
  readonly #shell: ChildProcess;
  readonly #pids = new Set<number>();

  constructor() {
    this.#shell = spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // a Ctrl-C is for the program, not for what cleans up after it
    });
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
  }

  get pids(): ReadonlySet<number> {
    return this.#pids;
  }

  /** It is to end with the program. */
  add(pid: number): void {
    if (this.#pids.has(pid)) return;
    this.#pids.add(pid);
    this.#shell.stdin?.write(`+${pid}\n`);
  }

  /** It has ended: its number may be somebody else's from now on. */
  delete(pid: number): void {
    if (this.#pids.delete(pid)) this.#shell.stdin?.write(`-${pid}\n`);
  }

  /** Kills what is left, now. */
  killAll(): void {
    for (const pid of this.#pids) signal(pid, 'SIGKILL');
  }

  /** Ends the shell, with what is left. */
  close(): void {
    this.#shell.stdin?.end();
  }
}

/** Sends a signal; `false` when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
