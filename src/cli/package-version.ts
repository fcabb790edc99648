/** The version in the package's own `package.json`, found above this file. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version, e.g. `1.2.0`. */
export function packageVersion(): string {
  const text = readFileSync(findPackage(dirname(fileURLToPath(import.meta.url))), 'utf8');
  const { version }: { readonly version?: unknown } = JSON.parse(text);
  return String(version);
}

function findPackage(folder: string): string {
  const file = join(folder, 'package.json');
  const parent = dirname(folder);
  return existsSync(file) || parent === folder ? file : findPackage(parent);
}
