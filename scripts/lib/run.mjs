// Runs programs as child processes that end when this process is told to.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from './paths.mjs';
import { UserError } from './user-error.mjs';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program on this terminal and resolves with its exit code, 128 + n when it was ended by signal n. Signals
 * are passed on; this process waits for the child's end.
 */
export async function runVisibly(program, args, env = {}) {
  const { code } = await run(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return code;
}

/** Runs a program silently; when it fails, an error with all that it wrote. */
export async function runSilently(program, args, what) {
  const { code, output } = await run(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  if (code === 0) return;
  const isSignal = code > 128 && code < 160;
  const ending = isSignal ? 'was interrupted' : `failed (exit code ${code})`;
  throw new UserError(`${isSignal ? '' : `${output.trimEnd()}\n\n`}${what} ${ending}.`, code);
}

async function run(program, args, options) {
  const child = spawn(program, args, { cwd: root, ...options });
  let output = '';
  const collect = (chunk) => {
    output += chunk;
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const pass = (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, pass);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
    });
    return { code, output };
  } finally {
    for (const signal of FORWARDED) process.off(signal, pass);
  }
}

/** How to call npm: the one that runs this script, else the one on the path. */
export function npm(...args) {
  const path = process.env.npm_execpath ?? '';
  return path.endsWith('npm-cli.js') ? [process.execPath, [path, ...args]] : ['npm', args];
}
