/** Finds the files that the demo works on. */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from './usage-error.ts';

/** One input file. */
export interface InputFile {
  /** Absolute path. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** More files than this are left out, so that a demo pointed at a home folder ends. */
export const MAX_FILES = 500;
/** Larger files are left out: the demo is to take seconds. 64 MiB. */
const MAX_SIZE = 67_108_864;

/** What was found. */
export interface FoundFiles {
  readonly files: readonly InputFile[];
  /** How many were left out: too large, or beyond `MAX_FILES`. */
  readonly skipped: number;
}

/** All regular files below the folder, by name; hidden ones, links and `node_modules` are passed over. */
export function findFiles(folder: string): FoundFiles {
  const root = resolve(folder);
  if (!isFolder(root)) throw new UsageError(`--input ${root} is not a folder`);
  const all = [...walk(root)].sort((a, b) => (a.path < b.path ? -1 : 1));
  const fitting = all.filter((file) => file.size > 0 && file.size <= MAX_SIZE);
  if (fitting.length === 0) throw new UsageError(`--input ${root} has no file to work on`);
  const files = fitting.slice(0, MAX_FILES);
  return { files, skipped: all.length - files.length };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function* walk(folder: string): Generator<InputFile> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield { path, size: lstatSync(path).size };
  }
}
