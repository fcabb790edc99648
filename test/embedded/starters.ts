/** Starts `starter.ts` in child processes and looks at what it leaves behind. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { EmbeddedRedisOptions } from '../../src/embedded/embedded-redis.ts';

export interface Starter {
  readonly child: ChildProcess;
  /** What it said first. */
  readonly said: { url: string; socket: string; error?: string };
  /** Lets it stop its Redis and end; resolves when both are done. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process that holds an embedded Redis. */
export async function spawnStarter(
  options: EmbeddedRedisOptions,
  env: Record<string, string> = {},
): Promise<Starter> {
  const program = fileURLToPath(new URL('./starter.js', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  const exited = once(child, 'exit').then(() => children.delete(child));
  const lines = createInterface({ input: child.stdout });
  const said = JSON.parse(await nextLine(lines));
  return {
    child,
    said,
    stop: async () => {
      child.stdin.write('stop\n');
      await exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A folder for this test file, removed at its end. */
export function useFolder(name = 'threadmill-test-'): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Resolves when the condition holds; fails after ten seconds, naming it. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
    await delay(10);
  }
}

/** The processes whose command line names this path. */
export function processesOf(path: string): { pid: number; command: string }[] {
  const table = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' });
  return table.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined || !command.includes(path) || command.includes('starter.js'))
      return [];
    return [{ pid: Number(pid), command }];
  });
}

async function nextLine(lines: Interface): Promise<string> {
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}
