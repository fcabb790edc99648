/**
 * The runs of a private server in one folder, each in a folder of its own, `run-1`, `run-2`, ...
 *
 * A run is alive as long as somebody reads its named pipe `watch`, which the kernel knows exactly: no lock file with
 * a process ID or a time in it, which may lie after a crash. The newest number is never removed, only lower ones, so
 * that who wants to begin run n+1 either makes that folder first or sees that another did.
 *
 * This holds on one machine, containers included; not for a folder that two machines mount.
 */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';

/** The files in a run's folder. `address` is the server's, there before it answers. */
export const RUN_FILES = {
  pipe: 'watch',
  ending: 'ending',
  address: 'address',
  config: 'redis.conf',
  log: 'redis.log',
  socket: 'redis.sock',
} as const;

/** Where the address of the server stands while it answers, beside its data. */
export const ADDRESS_FILE = 'url';

/** The folder of one run. */
export function runFolder(root: string, run: number): string {
  return join(root, `run-${run}`);
}

/** The highest number of a run in this folder, dead or alive; 0 when there is none. */
export function newestRun(root: string): number {
  return runsIn(root).reduce((highest, run) => Math.max(highest, run), 0);
}

/** Removes what earlier runs left. Only for the owner of the newest one. */
export function removeRunsBefore(root: string, newest: number): void {
  for (const run of runsIn(root).filter((number) => number < newest)) {
    try {
      rmSync(runFolder(root, run), { recursive: true, force: true });
    } catch {
      // A starter that lost the race may put its folder here meanwhile and removes it itself; the next run tries again.
    }
  }
}

/**
 * Opens the run's pipe for writing; the run goes on at least until this is closed, if it was not ending already.
 * Undefined when nobody reads it: the run is over. The descriptor is not inherited by child processes.
 */
export function openPipe(folder: string): number | undefined {
  try {
    return openSync(join(folder, RUN_FILES.pipe), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENXIO') || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** True while the run's server or its watch script lives. */
export function isRunning(folder: string): boolean {
  const pipe = openPipe(folder);
  if (pipe === undefined) return false;
  closeSync(pipe);
  return true;
}

/** True when the last one that used the run has left, and it only has to finish. */
export function isEnding(folder: string): boolean {
  return existsSync(join(folder, RUN_FILES.ending));
}

/** A small file's text without the line end; undefined when it is not there. */
export function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** True when it is an error of the system with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function runsIn(root: string): number[] {
  return readdirSync(root).flatMap((name) => {
    const match = /^run-(\d+)$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}
