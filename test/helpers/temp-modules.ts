import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

/** Writes modules, path to text, into a temporary folder that is removed after the test file; answers the folder. */
export async function tempModules(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-modules-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const all = { 'package.json': '{ "type": "module" }', ...files };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** Copies compiled files of the package beside such modules: a second copy, as a nested install makes one. */
export async function copyPackage(from: URL, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
}
