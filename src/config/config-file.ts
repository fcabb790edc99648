/** Finds and loads `threadmill.config.{js,mjs,ts}`: a module whose default export is an object of options. */
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OptionIssue } from '../errors.ts';
import { toError } from '../errors.ts';

/** Names that are looked for in the working directory; the first that exists is used. */
export const CONFIG_FILES: readonly string[] = [
  'threadmill.config.js',
  'threadmill.config.mjs',
  'threadmill.config.ts',
];

/** What came of looking for a config file. Without one, both `options` and `issues` are empty. */
export interface ConfigFile {
  /** As messages show it: relative to the working directory. */
  readonly name: string;
  /** Relative paths inside it are seen from here. */
  readonly folder: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly issues: readonly OptionIssue[];
}

/** Loads `file`, or the config file of `cwd` if there is one. Problems are reported as issues, never thrown. */
export async function loadConfigFile(cwd: string, file?: string): Promise<ConfigFile> {
  const path = file === undefined ? findConfigFile(cwd) : resolve(cwd, file);
  if (path === undefined) return { name: '', folder: cwd, options: {}, issues: [] };
  const found = { name: relative(cwd, path), folder: dirname(path) };
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(path).href);
    if (isOptions(module.default)) return { ...found, options: module.default, issues: [] };
    return broken(found, module.default, 'a module whose default export is an object of options');
  } catch (error) {
    return broken(found, toError(error).message, acceptsFor(path, error));
  }
}

function findConfigFile(cwd: string): string | undefined {
  return CONFIG_FILES.map((name) => resolve(cwd, name)).find((path) => existsSync(path));
}

function isOptions(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function broken(
  found: Pick<ConfigFile, 'name' | 'folder'>,
  value: unknown,
  accepts: string,
): ConfigFile {
  return { ...found, options: {}, issues: [{ name: `config file ${found.name}`, value, accepts }] };
}

function acceptsFor(path: string, error: unknown): string {
  const code = (toError(error) as NodeJS.ErrnoException).code;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && path.endsWith('ts')) {
    return `a .js or .mjs module: Node ${process.versions.node} does not strip types (22.18 and later do)`;
  }
  return 'a module that loads';
}
