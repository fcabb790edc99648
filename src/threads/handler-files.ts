/** Finds handler modules on disk and says which task type the path of each stands for. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HandlerLoadError } from '../errors.ts';
import type { ScanFile } from './messages.ts';

const MODULE = /\.(?:js|mjs|cjs|ts|mts)$/;
const DECLARATION = /\.d\.[cm]?ts$/;
const TEST = /\.(?:test|spec)\./;

/**
 * The modules of folders and files, sorted by path within each source; a module named twice appears once. Skips names
 * that begin with `_` or `.`, tests, declarations and `node_modules` below a folder; a file named outright is taken as
 * it is. Throws `HandlerLoadError` for a source that does not exist or holds no module.
 */
export async function findHandlerFiles(sources: readonly string[]): Promise<ScanFile[]> {
  const found = new Map<string, ScanFile>();
  for (const source of sources) {
    for (const one of await filesOf(resolve(source))) {
      if (!found.has(one.file)) found.set(one.file, one);
    }
  }
  return [...found.values()];
}

async function filesOf(source: string): Promise<ScanFile[]> {
  const kind = await kindOf(source);
  if (kind === 'file' && MODULE.test(source) && !DECLARATION.test(source)) {
    return [scanFile(source, [basename(source)])];
  }
  if (kind === 'file') {
    throw new HandlerLoadError(source, 'a handler module ends in .js, .mjs, .cjs, .ts or .mts');
  }
  if (kind !== 'folder') {
    throw new HandlerLoadError(
      source,
      'there is no such file or folder: check the handlers option',
    );
  }
  const files = await walk(source, [], new Set());
  if (files.length === 0) {
    throw new HandlerLoadError(
      source,
      'the folder holds no handler module (.js, .mjs, .cjs, .ts or .mts, not beginning with "_" or ".")',
    );
  }
  return files;
}

/** `above`: real paths of the folders on the way here, as a link may lead back into one. */
async function walk(
  folder: string,
  names: readonly string[],
  above: ReadonlySet<string>,
): Promise<ScanFile[]> {
  const real = await realpath(folder);
  if (above.has(real)) return [];
  const inside = new Set([...above, real]);
  const found: ScanFile[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (/^[_.]/.test(name) || name === 'node_modules') continue;
    const path = join(folder, name);
    const kind = await kindOf(path);
    if (kind === 'folder') found.push(...(await walk(path, [...names, name], inside)));
    else if (kind === 'file' && isHandlerName(name)) found.push(scanFile(path, [...names, name]));
  }
  return found;
}

function isHandlerName(name: string): boolean {
  return MODULE.test(name) && !DECLARATION.test(name) && !TEST.test(name);
}

/** Follows links; a link to nothing is nothing. */
async function kindOf(path: string): Promise<'file' | 'folder' | 'none'> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return 'folder';
  return stats?.isFile() === true ? 'file' : 'none';
}

function scanFile(file: string, names: readonly string[]): ScanFile {
  return { file, url: pathToFileURL(file).href, pathPattern: patternOf(file, names) };
}

/** `image/resize.js` stands for `image:resize`; `image/index.js` for `image`, a bare `index.js` for its folder's name. */
function patternOf(file: string, names: readonly string[]): string {
  const parts = names.map((name, at) =>
    at === names.length - 1 ? name.replace(MODULE, '') : name,
  );
  if (parts.at(-1) !== 'index') return parts.join(':');
  return parts.length > 1 ? parts.slice(0, -1).join(':') : basename(resolve(file, '..'));
}
