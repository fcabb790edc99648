/** Where this process is, and whether another one of this machine still lives. Linux only: elsewhere nothing is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessMark, ProcessPlace } from '../wire/lease-token.ts';

/** This process; with its parent where that is a supervisor. `undefined` where the system does not tell. */
export function ownPlace(isSupervised: boolean): ProcessPlace | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const pidNamespace = namespaceNumber(readlinkSync('/proc/self/ns/pid'));
    const self = markOf(process.pid);
    const parent = isSupervised ? markOf(process.ppid) : undefined;
    if (pidNamespace === undefined || self === undefined || !/^[0-9a-f-]{36}$/.test(boot))
      return undefined;
    return {
      boot,
      pidNamespace,
      process: self,
      ...(parent === undefined ? {} : { supervisor: parent }),
    };
  } catch {
    return undefined; // no such files: another system
  }
}

/** Whether two processes count their pids alike. */
export function isSameSystem(one: ProcessPlace, other: ProcessPlace): boolean {
  return one.boot === other.boot && one.pidNamespace === other.pidNamespace;
}

/** Whether this process of our own system has ended with all its threads. */
export function hasEnded({ pid, start }: ProcessMark): boolean {
  const stat = readStat(pid);
  if (stat === undefined || stat.start !== start) return true;
  return stat.isZombie && threadCount(pid) <= 1; // a leader may have ended before its other threads
}

/** Whether there is a process of this pid that has not ended. */
export function isRunning(pid: number): boolean {
  return readStat(pid)?.isZombie === false;
}

function markOf(pid: number): ProcessMark | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, start: stat.start };
}

/** Fields 3 and 22 of proc(5) `stat`; the name in field 2 may hold spaces and parentheses. */
function readStat(pid: number): { isZombie: boolean; start: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0] ?? '', fields[19]];
    return start === undefined ? undefined : { isZombie: state === 'Z' || state === 'X', start };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error; // not readable says nothing about its life
  }
}

function threadCount(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ESRCH';
}

function namespaceNumber(link: string): string | undefined {
  return /^pid:\[(\d+)\]$/.exec(link)?.[1];
}
