/** A user's project in a temporary folder: the package under its own name, and the README's modules beside it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from '../helpers/paths.ts';
import { type Snippet, snippets } from './readme.ts';

/** `dist/`: the build that holds this very file. */
const BUILD = fileURLToPath(new URL('../..', import.meta.url));

/** Longest time that a process may take to say what is waited for. */
const SAY_LIMIT_MS = 30_000;

/** What a TypeScript user with the strictest settings has. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    allowJs: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'app',
  },
  include: ['src'],
};

/** A process of the project. */
export interface Running {
  readonly pid: number;
  readonly stdout: () => string;
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** Resolves once stdout holds the text; rejects when the process ends without it, or says it not in 30 s. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** The project. `app` is where commands run: the README's files, TypeScript compiled. */
export interface Project {
  readonly folder: string;
  readonly app: string;
  /** Starts a shell command line in `app`, with `node`, the package's commands, and nothing else of the environment. */
  start(line: string, env?: NodeJS.ProcessEnv): Running;
}

/** Lays out a project with all `file` snippets, of the README unless told otherwise. Nothing is compiled yet. */
export function makeProject(from: readonly Snippet[] = snippets): Project {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'threadmill-readme-'));
  installPackage(folder);
  write(folder, 'package.json', JSON.stringify({ type: 'module', private: true }));
  write(folder, 'tsconfig.json', JSON.stringify(TSCONFIG));
  for (const { name, text } of from.filter(({ how }) => how === 'file')) {
    write(folder, join('src', name), `${text}\n`);
  }
  const app = join(folder, 'app');
  mkdirSync(app);
  return { folder, app, start: (line, env) => start(line, { folder, app, env: env ?? {} }) };
}

/** Compiles the project; the compiler's complaints, empty when there are none. */
export async function compile({ folder }: Project): Promise<string> {
  const tsc = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    await promisify(execFile)(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], {
      cwd: folder,
    });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}` || String(error);
  }
}

function write(folder: string, name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** As npm would lay it out, with links in place of copies. */
function installPackage(folder: string): void {
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'threadmill');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  mkdirSync(join(modules, '@types'));
  mkdirSync(installed);
  cpSync(join(packageRoot, 'package.json'), join(installed, 'package.json'));
  symlinkSync(BUILD, join(installed, 'dist'));
  symlinkSync('../threadmill/dist/src/cli/main.js', join(modules, '.bin', 'threadmill'));
  for (const name of ['zod', '@types/node']) {
    symlinkSync(join(packageRoot, 'node_modules', name), join(modules, name));
  }
}

function start(
  line: string,
  { folder, app, env }: { folder: string; app: string; env: NodeJS.ProcessEnv },
): Running {
  const path = [join(folder, 'node_modules', '.bin'), dirname(process.execPath)];
  const child = spawn('/bin/sh', ['-c', `exec ${line}`], {
    cwd: app,
    env: { ...env, PATH: [...path, process.env['PATH']].join(delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that what the command starts ends with it
  });
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
    child.emit('grew');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close').then(() => {
    child.emit('grew');
    return { code: child.exitCode, output };
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    ended,
    async says(text) {
      const signal = AbortSignal.timeout(SAY_LIMIT_MS);
      while (!stdout.includes(text)) {
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        if (hasEnded || signal.aborted) throw new Error(`no "${text}" from "${line}":\n${output}`);
        await once(child, 'grew', { signal }).catch(() => undefined); // too late: the loop says it
      }
    },
    kill: (signal) => signalGroup(child.pid, signal),
  };
}

/** Signals the process and all that it started; nothing where they have ended. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
