/** The real `threadmill` command as a child process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** How a run ended. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run under way. */
export interface CliRun {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<CliResult>;
  /** Resolves with the first stdout line that has this text; rejects when the process ends without it. */
  line(text: string): Promise<string>;
}

/** A working directory that is removed after the tests of the file. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'threadmill-cli-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the command with only these variables (and PATH). It is killed after the tests of the file, if it still runs. */
export function startCli(
  words: readonly string[],
  {
    env = {},
    cwd = emptyFolder(),
    program = MAIN,
  }: { env?: NodeJS.ProcessEnv; cwd?: string; program?: string } = {},
): CliRun {
  const child = spawn(process.execPath, [program, ...words], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      child.emit(`${name}-grew`);
    });
  }
  const ended = once(child, 'close').then((): CliResult => {
    child.emit('stdout-grew');
    return { code: child.exitCode, signal: child.signalCode, ...output };
  });
  after(() => child.kill('SIGKILL'));
  const line = async (text: string): Promise<string> => {
    for (;;) {
      const found = output.stdout
        .split('\n')
        .slice(0, -1)
        .find((each) => each.includes(text));
      if (found !== undefined) return found;
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`ended without "${text}":\n${output.stdout}${output.stderr}`);
      }
      await once(child, 'stdout-grew');
    }
  };
  return { child, ended, line };
}

/** Runs the command to its end. */
export function runCli(
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<CliResult> {
  return startCli(words, options).ended;
}
