// One process at a time does a piece of work in this repository, by a folder that only one can make.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { inRoot } from './paths.mjs';

const STALE_MS = 15 * 60_000;
const POLL_MS = 100;

/** Runs the work while this process holds the lock of that name; waits for others that hold it. */
export async function withLock(name, work) {
  const folder = inRoot('.threadmill', `${name}.lock`);
  mkdirSync(inRoot('.threadmill'), { recursive: true });
  while (!take(folder)) {
    if (isStale(folder)) setAside(folder);
    else await delay(POLL_MS);
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', release); // also where a signal's handler calls process.exit()
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(`${folder}/pid`, String(process.pid));
  return true;
}

/** Its holder is gone, or it is older than any work may take. */
function isStale(folder) {
  try {
    if (Date.now() - statSync(folder).mtimeMs > STALE_MS) return true;
    const pid = Number(readFileSync(`${folder}/pid`, 'utf8'));
    return pid > 0 && !isAlive(pid);
  } catch {
    return false; // just made, or just released: the next look will tell
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Of several that find it stale, one renames it. */
function setAside(folder) {
  const aside = `${folder}.${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return; // another was first
  }
  rmSync(aside, { recursive: true, force: true });
}
