/** Finds processes that a run left behind, by the mark in their environment, or by their number where that is hidden. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './live-view.ts';
import { RUN_ENV } from './records.ts';

/** What may still be ending. */
const PATIENCE_MS = 3_000;
const LOOK_MS = 100;

/** Those that do not end by themselves in a moment, in words. `known`: numbers of all processes of the fleet. */
export async function leftBehind(run: string, known: Iterable<number>): Promise<string[]> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const left = new Set([...marked(run), ...[...known].filter(isAlive)]);
    if (left.size === 0 || performance.now() > giveUpAt) return [...left].map(describe);
    await sleep(LOOK_MS);
  }
}

/** Linux only; elsewhere nothing. */
export function marked(run: string): number[] {
  const mark = `${RUN_ENV}=${run}\0`;
  return numbers().filter((pid) => {
    try {
      return `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`.includes(mark) && isAlive(pid);
    } catch {
      return false; // it has ended, or is somebody else's
    }
  });
}

function numbers(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function describe(pid: number): string {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return `process ${pid}: ${command}`;
  } catch {
    return `process ${pid}`;
  }
}
