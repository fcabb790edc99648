/** Reads the source text of `src/` and `workers/`, for the tests that state the rules of the house. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { packageRoot } from '../helpers/paths.ts';

/** One import or re-export. */
export interface ImportLine {
  /** A file such as `src/wire/keys.ts`, or a package or builtin as it is written. */
  readonly target: string;
  readonly isFile: boolean;
  /** Erased by the compiler: `import type`, `export type`. */
  readonly isTypeOnly: boolean;
  /** Loaded when the code comes to it: `import()`. */
  readonly isDynamic: boolean;
}

/** One source file. */
export interface SourceFile {
  /** From the package root, with slashes: `src/wire/keys.ts`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportLine[];
}

/** Every TypeScript file of the folders. */
export function readSourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => typeScriptFilesIn(folder).map(readSourceFile));
}

function typeScriptFilesIn(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts'))
    .sort();
}

function readSourceFile(path: string): SourceFile {
  const text = readFileSync(join(packageRoot, path), 'utf8');
  return { path, lines: text.trimEnd().split('\n').length, imports: importsOf(path, text) };
}

const STATEMENT =
  /^(?:import|export)\s+(?<type>type\s)?(?:[\w$*{}\s,]+?\sfrom\s+)?'(?<from>[^']+)'/gmu;
const DYNAMIC = /\bimport\(\s*'(?<from>[^']+)'\s*\)/gu;

/** Imports as the formatter writes them: statements begin a line, module names stand in single quotes. */
export function importsOf(path: string, text: string): ImportLine[] {
  const code = withoutComments(text);
  const lines: ImportLine[] = [];
  for (const { groups } of code.matchAll(STATEMENT)) {
    const isTypeOnly = groups?.['type'] !== undefined;
    lines.push({ ...targetOf(path, groups?.['from']), isTypeOnly, isDynamic: false });
  }
  for (const { groups } of code.matchAll(DYNAMIC)) {
    lines.push({ ...targetOf(path, groups?.['from']), isTypeOnly: false, isDynamic: true });
  }
  return lines;
}

/** Comments begin a line or follow a blank; strings of the sources hold neither at such a place, save URLs. */
function withoutComments(text: string): string {
  return text.replace(/(?<=^|\s)\/\*[\s\S]*?\*\//gu, '').replace(/(?<=^|\s)\/\/.*$/gmu, '');
}

function targetOf(path: string, from = ''): Pick<ImportLine, 'target' | 'isFile'> {
  const isFile = from.startsWith('.');
  return { target: isFile ? posix.join(posix.dirname(path), from) : from, isFile };
}
