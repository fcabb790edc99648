/** What the kernel knows of who got a core for how long. All figures are milliseconds; all are Linux's. */
import { readFileSync } from 'node:fs';

const MS_PER_STEAL_TICK = 10;
const STEAL_COLUMN = 8;

/**
 * How long the main thread of this process has been on a core. What the host took from a virtual machine meanwhile is not
 * in it where the host tells. Elsewhere than on Linux, the time that has passed.
 */
export function ranMs(): number {
  return schedstat(`self/task/${process.pid}`)?.ranMs ?? performance.now();
}

/** How long the main thread of a process was kept waiting for a core. 0 where nobody knows, or the process is gone. */
export function waitedMs(pid: number): number {
  return schedstat(`${pid}/task/${pid}`)?.waitedMs ?? 0;
}

/** For how long the host has taken the core away from which it took most; 0 outside of virtual machines. */
export function stolenMs(): number {
  const text = read('stat') ?? '';
  const cores = text.split('\n').filter((line) => /^cpu\d/.test(line));
  return (
    Math.max(0, ...cores.map((line) => Number(line.split(' ')[STEAL_COLUMN] ?? 0))) *
    MS_PER_STEAL_TICK
  );
}

function schedstat(thread: string): { ranMs: number; waitedMs: number } | undefined {
  const [ran, waited] = read(`${thread}/schedstat`)?.split(' ').map(Number) ?? [];
  if (ran === undefined || waited === undefined) return undefined;
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined; // no Linux, a kernel without these figures, or a process that has ended
  }
}
