/**
 * One server of the fleet: `threadmill serve` or a library server, in processes of its own, behind a proxy of its own. It
 * is started again whenever it ends, until the fleet is shut down.
 */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Guard } from './guard.ts';
import { readFact } from './log-facts.ts';
import type { ServerName } from './plan.ts';
import { CLOCK_ENV, note, RECORDS_ENV, RUN_ENV, SERVER_ENV } from './records.ts';
import { asEnvironment, SERVER_OPTIONS } from './settings.ts';

/** What it is started with. */
export interface ServerOptions {
  readonly name: ServerName;
  readonly kind: 'serve' | 'library';
  readonly redisUrl: string;
  readonly clockMs: number;
  /** The compiled code: `dist/`, or a copy of it with something broken. */
  readonly dist: string;
  /** Its working directory, with its config file. */
  readonly folder: string;
  readonly records: string;
  /** The run's mark. */
  readonly run: string;
  readonly guard: Guard;
}

/** How it ended, once. */
export interface ServerEnd {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

const RESTART_AFTER_MS = 400;
const STDERR_CHARS = 4_000;

/** The server. */
export class ServerProcess {
  readonly name: ServerName;
  readonly kind: ServerOptions['kind'];
  /** Every end it has come to. */
  readonly ends: ServerEnd[] = [];
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #isClosing = false;
  #isUp = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
  }

  /** Of the supervisor, or of the library server; 0 while there is none. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** It said that it had started. */
  get isUp(): boolean {
    return this.#isUp;
  }

  start(): void {
    const child = this.#spawn();
    this.#child = child;
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARS);
    });
    if (child.stdout) createInterface(child.stdout).on('line', (line) => this.#hear(line));
    const { pid = 0 } = child;
    this.#options.guard.add(pid);
    child.once('exit', (code, signal) => {
      note({ k: 'gone', pid, by: 'program' });
      this.#options.guard.delete(pid);
      this.#child = undefined;
      this.#isUp = false;
      this.ends.push({ pid, code, signal, stderr });
      if (!this.#isClosing) this.#restart = setTimeout(() => this.start(), RESTART_AFTER_MS);
    });
  }

  /** Sends SIGTERM, and resolves with its end; it starts again unless `close` was called. */
  async terminate(): Promise<ServerEnd | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    return this.ends.at(-1);
  }

  /** Ends it for good. */
  async close(): Promise<ServerEnd | undefined> {
    this.#isClosing = true;
    clearTimeout(this.#restart);
    return this.terminate();
  }

  #spawn(): ChildProcess {
    const { kind, redisUrl, dist, folder } = this.#options;
    const options: SpawnOptions = { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] };
    const handlers = join(dist, 'test', 'chaos', 'handlers');
    if (kind === 'library') {
      const program = join(dist, 'test', 'chaos', 'library-server.js');
      const own = JSON.stringify({ redis: redisUrl, handlers, ...SERVER_OPTIONS });
      return spawn(process.execPath, [program, own], { ...options, env: this.#env() });
    }
    const program = join(dist, 'src', 'cli', 'main.js');
    const env = {
      ...this.#env(),
      ...asEnvironment(),
      REDIS_URL: redisUrl,
      HANDLERS: handlers,
      PROCESSES: '2',
      HTTP_PORT: 'off',
      LOG_LEVEL: 'debug',
      LOG_PRETTY: 'false',
    };
    return spawn(process.execPath, [program, 'serve'], { ...options, env });
  }

  #env(): Record<string, string> {
    const { name, dist, clockMs, records, run } = this.#options;
    const preload = pathToFileURL(join(dist, 'test', 'chaos', 'preload.js')).href;
    return {
      PATH: process.env['PATH'] ?? '',
      NODE_OPTIONS: `--import=${preload}`,
      [SERVER_ENV]: name,
      [RECORDS_ENV]: records,
      [CLOCK_ENV]: String(clockMs),
      [RUN_ENV]: run,
    };
  }

  #hear(line: string): void {
    const fact = readFact(line);
    if (fact === undefined) return;
    if (fact === 'started') this.#isUp = true;
    else note(fact);
  }
}
