/** Where files lie, seen from compiled tests (`dist/test/...`) and from sources alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root folder: the nearest one above this file that has a lockfile beside `package.json`. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** A file under the root's `test/fixtures`, where handler modules stay plain JavaScript. */
export function fixture(name: string): string {
  return join(packageRoot, 'test', 'fixtures', name);
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package-lock.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('no package root above the tests');
  return findRoot(parent);
}
