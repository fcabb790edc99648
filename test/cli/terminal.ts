/** The real `threadmill` command on a terminal of its own, which util-linux's `script` makes. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A command on a terminal of 80 by 24. */
export interface TerminalRun {
  /** Resolves once the screen has shown the text. */
  shows(text: string): Promise<void>;
  /** Types. */
  type(text: string): void;
  /** Exit code, and all that was shown. */
  readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>;
}

/** Why there is no terminal here; `false` where there is one. */
export const NO_TERMINAL: string | false =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
    ? false
    : 'script of util-linux is not installed';

/** Starts the command. It is killed after the tests of the file, if it still runs. */
export function onTerminal(words: readonly string[], env: NodeJS.ProcessEnv): TerminalRun {
  const quoted = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ');
  const line = `stty rows 24 cols 80; exec ${quoted}`;
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qec', line, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', SHELL: '/bin/sh', ...env },
  });
  after(() => child.kill('SIGKILL'));
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    child.emit('grew');
  });
  const ended = once(child, 'close').then(() => {
    child.emit('grew');
    return { code: child.exitCode, screen };
  });
  return {
    ended,
    type: (text) => child.stdin.write(text),
    async shows(text) {
      while (!screen.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended without "${text}":\n${screen}`);
        await once(child, 'grew');
      }
    },
  };
}
