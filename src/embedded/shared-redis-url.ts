/** Tells where the private Redis of a folder listens, for those that use it without keeping it alive. */
import { join, resolve } from 'node:path';
import { ADDRESS_FILE, isRunning, newestRun, RUN_FILES, readLine, runFolder } from './runs.ts';

/** Where `npm start` in this folder keeps its Redis and its data. */
export function sharedRedisFolder(cwd: string): string {
  return resolve(cwd, '.threadmill', 'redis');
}

/**
 * The URL of the Redis that `npm start` runs in this folder; undefined when none answers there, also when one was
 * killed and left its address behind. Reads two small files and opens no connection.
 */
export function sharedRedisUrl(cwd: string): string | undefined {
  const root = sharedRedisFolder(cwd);
  try {
    const url = readLine(join(root, ADDRESS_FILE));
    if (url === undefined) return undefined;
    const folder = runFolder(root, newestRun(root));
    const isOfThisRun = readLine(join(folder, RUN_FILES.address)) === url;
    return isOfThisRun && isRunning(folder) ? url : undefined;
  } catch {
    return undefined; // not for this user, or just being removed: there is none to use
  }
}
