/** `threadmill serve` as a process of its own, in a folder of its own, read by its log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LIMIT_MS } from './limit.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A line of its log. */
export interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How it is started. */
export interface ServeOptions {
  /** All that it sees of the environment besides `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  /** Text of its config file. Default: none. */
  readonly config?: string;
}

/** How it ended. */
export interface ServeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/** The process; the constructor starts it. */
export class ServeProcess {
  /** Resolves when it has exited. */
  readonly ended: Promise<ServeEnd>;
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'threadmill-serve-'));
  readonly #listeners = new Set<(record: LogRecord) => void>();
  #stderr = '';

  constructor({ env, config }: ServeOptions) {
    if (config !== undefined) writeFileSync(join(this.#folder, 'threadmill.config.mjs'), config);
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      cwd: this.#folder,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-10_000);
    });
    createInterface(child.stdout).on('line', (line) => this.#hear(line));
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill); // its children notice by themselves
    this.ended = once(child, 'exit').then(([code, signal]) => {
      process.off('exit', kill);
      rmSync(this.#folder, { recursive: true, force: true });
      return { code: code as number | null, signal: signal as never, stderr: this.#stderr };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Tells every line from now on. */
  onLine(listener: (record: LogRecord) => void): void {
    this.#listeners.add(listener);
  }

  /** Resolves with the next line that fits; rejects when the process ends without it, or after a minute. */
  async line(fits: (record: LogRecord) => boolean): Promise<LogRecord> {
    const { promise, resolve, reject } = withResolvers<LogRecord>();
    const listener = (record: LogRecord): void => {
      if (fits(record)) resolve(record);
    };
    const timer = setTimeout(() => reject(new Error('serve did not say it in time')), LIMIT_MS);
    void this.ended.then((end) => reject(new Error(`serve ended: ${JSON.stringify(end)}`)));
    this.#listeners.add(listener);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }

  /** Resolves with the next line of this message. */
  says(msg: string): Promise<LogRecord> {
    return this.line((record) => record.msg === msg);
  }

  /** Asks it to end, and resolves when it has. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ServeEnd> {
    this.#child.kill(signal);
    return this.ended;
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) return;
    const record = JSON.parse(line) as LogRecord;
    for (const listener of this.#listeners) listener(record);
  }
}

/** As `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
