/** Begins a run: the watch script in a folder of its own, then that folder under the run's number, then the server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketUrl } from './address.ts';
import { tailOf } from './log-tail.ts';
import { hasCode, newestRun, openPipe, RUN_FILES, removeRunsBefore, runFolder } from './runs.ts';
import { serverConfig } from './server-config.ts';
import { WATCH_SCRIPT } from './watch-script.ts';
import { EmbeddedRedisError } from '../errors.ts';

/** What a run is to be. */
export interface RunPlan {
  /** The folder of all runs. */
  readonly root: string;
  readonly run: number;
  readonly serverPath: string;
  readonly isPersistent: boolean;
}

/** A run that this process began. */
export interface BegunRun {
  /** Keeps the run alive until it is closed. */
  readonly pipe: number;
  /** The watch script. */
  readonly watcher: ChildProcess;
  /** The log, readable also when the folder is gone. The caller closes it. */
  readonly log: number;
  readonly url: string;
  readonly socket: string;
}

// The kernel's limit is 104 bytes on macOS and 108 on Linux, with the zero at the end.
const MAX_SOCKET_PATH_BYTES = 100;

/** Begins the run and starts its server, which does not answer yet; undefined when another process was first. */
export async function beginRun(plan: RunPlan): Promise<BegunRun | undefined> {
  const { root, run, isPersistent } = plan;
  const folder = mkdtempSync(join(root, 'new-'));
  const socketFolder = shortFolderFor(runFolder(root, run));
  const scratch = isPersistent ? socketFolder : root;
  const socket = join(socketFolder ?? runFolder(root, run), RUN_FILES.socket);
  writeRunFiles(plan, folder, socket);
  const log = openSync(join(folder, RUN_FILES.log), 'a+', 0o600);
  const watcher = spawnWatcher([plan.serverPath, folder, scratch ?? ''], folder, log);
  try {
    await untilReady(watcher, log);
    const pipe = openPipe(folder);
    if (pipe === undefined) throw new EmbeddedRedisError(`the watch script ended${tailOf(log)}`);
    if (!takeNumber(folder, root, run)) return await giveUp(watcher, pipe, log);
    removeRunsBefore(root, run);
    // Last: a server that dies at once takes its folders with it, and nothing may look for them then.
    watcher.stdin?.end('go\n');
    return { pipe, watcher, log, url: socketUrl(socket), socket };
  } catch (error) {
    closeSync(log);
    watcher.stdin?.end();
    throw error;
  }
}

/** Sockets have short paths. Undefined when this folder's will do, else a folder under the temporary one. */
function shortFolderFor(folder: string): string | undefined {
  if (Buffer.byteLength(join(folder, RUN_FILES.socket)) <= MAX_SOCKET_PATH_BYTES) return undefined;
  return makeTemporaryFolder();
}

/** A new folder for this user only, with a path short enough for a socket in it or in a folder `run-1` there. */
export function makeTemporaryFolder(): string {
  const base = Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : '/tmp';
  return mkdtempSync(join(base, 'threadmill-'));
}

function writeRunFiles(plan: RunPlan, folder: string, socketPath: string): void {
  const { root: dataFolder, isPersistent } = plan;
  const config = serverConfig({ dataFolder, socketPath, isPersistent });
  writeFileSync(join(folder, RUN_FILES.config), config, { mode: 0o600 });
  writeFileSync(join(folder, RUN_FILES.address), `${socketUrl(socketPath)}\n`, { mode: 0o600 });
}

/** A process group of its own keeps the Ctrl-C of a terminal away from the server. */
function spawnWatcher(args: readonly string[], cwd: string, log: number): ChildProcess {
  const path = [process.env['PATH'], '/usr/bin', '/bin'].filter(Boolean).join(':');
  return spawn('/bin/sh', ['-c', WATCH_SCRIPT, 'threadmill-redis', ...args], {
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', log],
    env: { ...process.env, PATH: path },
  });
}

/** The script says one line when its pipe is there. */
async function untilReady(watcher: ChildProcess, log: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    watcher.once('error', reject);
    watcher.once('exit', () =>
      reject(new EmbeddedRedisError(`the watch script did not start${tailOf(log)}`)),
    );
    watcher.stdin?.on('error', () => {}); // it died: its exit says so
    watcher.stdout?.once('data', () => resolve());
  });
  watcher.removeAllListeners('exit').removeAllListeners('error');
}

/**
 * The race for a number. A folder that is not empty is never replaced. A folder that was removed as out of date could
 * be made anew, but only when a higher one is there, which the second look sees.
 */
function takeNumber(folder: string, root: string, run: number): boolean {
  try {
    renameSync(folder, runFolder(root, run));
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  return newestRun(root) === run;
}

async function giveUp(watcher: ChildProcess, pipe: number, log: number): Promise<undefined> {
  const gone = new Promise((resolve) => {
    watcher.once('exit', resolve);
  });
  watcher.stdin?.end();
  closeSync(pipe);
  await gone;
  closeSync(log);
  return undefined;
}
