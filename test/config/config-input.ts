/** Input of commands in folders of their own, and the issues that come of it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { CommandInput } from '../../src/config.ts';
import type { Machine } from '../../src/config/cpu-count.ts';
import { InvalidOptionsError, type OptionIssue } from '../../src/errors.ts';

/** Four cores, no cgroup. */
export const machine: Machine = { availableParallelism: 4, readText: (): undefined => undefined };
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A working directory with these files. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'threadmill-config-')));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Input of a command in an empty folder. */
export function input(given: Partial<CommandInput> = {}): CommandInput {
  return { flags: {}, env: {}, cwd: folderWith(), machine, isTerminal: false, ...given };
}

/** The issues of the `InvalidOptionsError` that it ends with; none when it ends well. */
export async function issuesOf(
  resolving: Promise<unknown> | (() => unknown),
): Promise<readonly OptionIssue[]> {
  try {
    await (typeof resolving === 'function' ? resolving() : resolving);
  } catch (error) {
    assert.ok(error instanceof InvalidOptionsError, String(error));
    return error.issues;
  }
  return [];
}
