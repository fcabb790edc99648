// Installs the packages of package-lock.json when they are not the installed ones.
import { readFileSync } from 'node:fs';
import { withLock } from './lock.mjs';
import { inRoot } from './paths.mjs';
import { npm, runSilently } from './run.mjs';

/** Makes node_modules fit the lockfile. Without `needsDev`, packages for development may be missing. */
export async function ensureInstalled({ needsDev }) {
  if (isInstalled(needsDev)) return;
  await withLock('install', async () => {
    if (isInstalled(needsDev)) return; // another process did it meanwhile
    console.error('Installing packages (npm ci); this happens once.');
    const [program, args] = npm('ci', '--include=dev', '--no-audit', '--no-fund');
    await runSilently(program, args, 'npm ci');
  });
}

/** npm writes what it installed into node_modules/.package-lock.json, as the last step. */
function isInstalled(needsDev) {
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(readPackages('package-lock.json') ?? {}).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed[path];
    if (present === undefined) return Boolean(entry.optional || (entry.dev && !needsDev));
    return present.version === entry.version && present.integrity === entry.integrity;
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(inRoot(path), 'utf8')).packages;
  } catch {
    return undefined; // not there, or cut off: as if nothing were installed
  }
}
