/** Comes to hold a running server in a folder: shares the one that is there, or begins a new run. */
import { closeSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedRedisError } from '../errors.ts';
import { socketPathOf } from './address.ts';
import { awaitReady } from './await-ready.ts';
import { type BegunRun, beginRun } from './begin-run.ts';
import { joinRun } from './join-run.ts';
import type { HeldRun } from './leave-run.ts';
import { tailOf, tailOfFile } from './log-tail.ts';
import { askToShutDown, ping } from './ping.ts';
import { ADDRESS_FILE, isRunning, newestRun, RUN_FILES, readLine, runFolder } from './runs.ts';

/** Where and what to start. */
export interface EnterOptions {
  readonly root: string;
  readonly serverPath: string;
  readonly isPersistent: boolean;
}

/** A run whose server answers. */
export interface EnteredRun extends HeldRun {
  readonly url: string;
  readonly socket: string;
}

const OLD_RUN_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** Shares or begins. Fails with `ERR_EMBEDDED_REDIS` and the last lines of the log when the server does not start. */
export async function enterRun(options: EnterOptions): Promise<EnteredRun> {
  for (;;) {
    const newest = newestRun(options.root);
    if (newest > 0) {
      const shared = await share(options, newest);
      if (shared !== undefined) return shared;
      await untilOver(runFolder(options.root, newest));
    }
    const begun = await beginRun({ ...options, run: newest + 1 });
    if (begun !== undefined) return await completeBegun(options, newest + 1, begun);
  }
}

async function share(options: EnterOptions, run: number): Promise<EnteredRun | undefined> {
  const folder = runFolder(options.root, run);
  const pipe = await joinRun(folder);
  if (pipe === undefined) return undefined;
  try {
    const address = addressOf(folder);
    const state = await awaitReady(folder, address.socket);
    if (state === 'ready') return publish(options, { folder, pipe, ...address });
    closeSync(pipe);
    if (state === 'over') return undefined; // its server did not start: ours may, or says why not
  } catch (error) {
    closeSync(pipe);
    throw error;
  }
  const log = tailOfFile(join(folder, RUN_FILES.log));
  throw new EmbeddedRedisError(`the private Redis of ${folder} does not answer${log}`);
}

async function completeBegun(
  options: EnterOptions,
  run: number,
  begun: BegunRun,
): Promise<EnteredRun> {
  const folder = runFolder(options.root, run);
  const { pipe, watcher, log, url, socket } = begun;
  try {
    const state = await awaitReady(folder, socket);
    if (state !== 'ready') throw new EmbeddedRedisError(describeFailure(options, state, log));
    watcher.unref(); // an idle process may end; the server ends with it
    return publish(options, { folder, pipe, watcher, url, socket });
  } catch (error) {
    closeSync(pipe);
    throw error;
  } finally {
    closeSync(log);
  }
}

function describeFailure(options: EnterOptions, state: 'over' | 'silent', log: number): string {
  const what = state === 'over' ? 'ended before it answered' : 'does not answer';
  return `the private Redis (${options.serverPath}) in ${options.root} ${what}${tailOf(log)}`;
}

/** Writes the address for others; who holds the run may, since the watch script removes it only after all left. */
function publish(options: EnterOptions, run: EnteredRun): EnteredRun {
  if (!options.isPersistent) return { ...run, privateRoot: options.root };
  const draft = join(run.folder, `${ADDRESS_FILE}-${process.pid}`);
  writeFileSync(draft, `${run.url}\n`, { mode: 0o600 });
  renameSync(draft, join(options.root, ADDRESS_FILE));
  return run;
}

/** Waits for a run that is ending, and ends a server whose watch script was killed: two must not write the same data. */
async function untilOver(folder: string): Promise<void> {
  const giveUpAt = performance.now() + OLD_RUN_TIMEOUT_MS;
  while (isRunning(folder)) {
    if (performance.now() > giveUpAt) throw stillThere(folder);
    await delay(POLL_MS);
  }
  const address = readLine(join(folder, RUN_FILES.address));
  const socket = address === undefined ? undefined : socketPathOf(address);
  if (socket === undefined) return;
  while ((await ping(socket)) !== 'away') {
    if (performance.now() > giveUpAt) throw stillThere(folder);
    await askToShutDown(socket, OLD_RUN_TIMEOUT_MS);
  }
}

function stillThere(folder: string): EmbeddedRedisError {
  return new EmbeddedRedisError(
    `an earlier private Redis of ${folder} has not ended: end the process in its file redis.pid, then start again`,
  );
}

function addressOf(folder: string): { url: string; socket: string } {
  const url = readLine(join(folder, RUN_FILES.address));
  const socket = url === undefined ? undefined : socketPathOf(url);
  if (url === undefined || socket === undefined) {
    throw new EmbeddedRedisError(
      `${folder} holds no address: remove this folder, then start again`,
    );
  }
  return { url, socket };
}
