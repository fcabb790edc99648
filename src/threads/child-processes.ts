/** Processes that the handlers of one thread started: they end with it. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Time for a process to end by itself after SIGTERM. */
const GRACE_MS = 250;
const LOOK_EVERY_MS = 5;
const TELL_MS = 15;
/** Nothing outlives SIGKILL, but on busy cores it takes its time; what hangs in the kernel is not waited for. */
const KILLED_MS = 150;
/** A thread that yields reaps a dead process in this time; one that spins never does. */
const REAP_MS = 200;

/** Known by what the thread says; nothing is signaled after its end was told or seen. */
export class ChildProcesses {
  readonly #pids = new Set<number>();

  get size(): number {
    return this.#pids.size;
  }

  /** Numbers that name no single process are left out: 0 and below would signal whole groups. */
  add(pid: number): void {
    if (Number.isSafeInteger(pid) && pid > 0) this.#pids.add(pid);
  }

  delete(pid: number): void {
    this.#pids.delete(pid);
  }

  /**
   * Ends them while the thread lives: SIGTERM, up to 250 ms, SIGKILL. `hear` reads what the thread has said, which
   * reaps its processes if its code yields. Resolves when they have ended, at once when there is none.
   */
  async end(hear: () => void): Promise<void> {
    if (this.#pids.size === 0) return;
    this.#signal('SIGTERM');
    const begin = performance.now();
    const until = begin + GRACE_MS;
    do {
      await delay(LOOK_EVERY_MS);
      hear();
      this.#forgetEnded(performance.now() - begin > REAP_MS);
    } while (this.#pids.size > 0 && performance.now() < until);
    // What a handler makes of the end of its process is its outcome: a moment to say so.
    await delay(TELL_MS);
    hear();
    await this.#killed(hear);
  }

  async #killed(hear: () => void): Promise<void> {
    this.#forgetEnded(true);
    this.#signal('SIGKILL');
    const until = performance.now() + KILLED_MS;
    while (this.#pids.size > 0 && performance.now() < until) {
      await delay(LOOK_EVERY_MS);
      hear();
      this.#forgetEnded(true);
    }
    this.#pids.clear();
  }

  /** Ends them when their thread is gone: SIGTERM now, SIGKILL in 250 ms. `onDone` follows; the timer holds nobody up. */
  abandon(onDone: () => void): void {
    this.#signal('SIGTERM');
    const kill = (): void => {
      this.kill();
      onDone();
    };
    setTimeout(kill, GRACE_MS).unref();
  }

  /** SIGKILL to all that are left. */
  kill(): void {
    this.#forgetEnded(true);
    this.#signal('SIGKILL');
    this.#pids.clear();
  }

  #signal(signal: NodeJS.Signals): void {
    for (const pid of this.#pids) {
      // Node refuses with ESRCH what ended meanwhile, and with EPERM what runs as somebody else: then it is not ours to end.
      if (!sent(pid, signal)) this.#pids.delete(pid);
    }
  }

  #forgetEnded(withZombies: boolean): void {
    for (const pid of this.#pids) {
      if (!sent(pid, 0) || (withZombies && isZombie(pid))) this.#pids.delete(pid);
    }
  }
}

function sent(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * A process that has ended but that nobody has reaped, as its thread never yields, still takes signals. Only Linux tells
 * (proc(5): the state follows the name in parentheses); elsewhere such a process costs the whole grace.
 */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  } catch {
    return false;
  }
}
