/** The Go program of `bench/go`: built once where Go is installed, driven by lines of JSON. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RedisOptions } from 'ioredis';
import { nowMs } from '../work/first-line.ts';

const MODULE = fileURLToPath(new URL('../go', import.meta.url));
const BUILD_LIMIT_MS = 300_000;
/** A drain gives up after a minute by itself. */
const ANSWER_LIMIT_MS = 90_000;

interface Reply {
  readonly n: number;
  readonly ok?: unknown;
  readonly error?: string;
}

/** Why there is no asynq in this run; for people. */
export class NoGoError extends Error {}

/** One process of it. */
export class GoProgram {
  /** As `go version` says it, e.g. `1.24.1`. */
  readonly goVersion: string;
  /** Of asynq, as its module file pins it. */
  readonly asynqVersion: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #exited: Promise<unknown>;
  #stderr = '';
  #lastNumber = 0;

  private constructor(folder: string, program: string, versions: readonly [string, string]) {
    [this.goVersion, this.asynqVersion] = versions;
    this.#folder = folder;
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface(stdout).on('line', (line) => this.#hear(line));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
    this.#child.stdin?.on('error', () => undefined); // its end is told by `close`
    this.#exited = once(this.#child, 'close').then(() => {
      for (const [n, answer] of this.#waiting) answer({ n, error: `it ended: ${this.#stderr}` });
    });
  }

  /** Builds and starts it, and connects it to Redis. Throws `NoGoError` where that cannot be done. */
  static async start(redis: RedisOptions): Promise<GoProgram> {
    const goVersion = await run('go', ['env', 'GOVERSION'], 'Go is not installed');
    const folder = mkdtempSync(join(tmpdir(), 'threadmill-bench-go-'));
    try {
      const program = join(folder, 'contender');
      const hint =
        'asynq was not built; the first build needs a Go module proxy (`go env GOPROXY`)';
      await run('go', ['build', '-ldflags=-s -w', '-o', program, '.'], hint);
      const list = ['list', '-m', '-f', '{{.Version}}', 'github.com/hibiken/asynq'];
      const asynqVersion = await run('go', list, 'asynq has no version');
      const versions = [goVersion.replace(/^go/, ''), asynqVersion.replace(/^v/, '')] as const;
      const started = new GoProgram(folder, program, versions);
      await started.call('connect', addressOf(redis)).catch(async (error: unknown) => {
        await started.close();
        throw error;
      });
      return started;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Whether its clock is the one that this process reads, so that instants can be compared. */
  async sharesClock(): Promise<boolean> {
    const before = nowMs();
    const there = Number(await this.call('clock'));
    return there >= before && there <= nowMs();
  }

  /** Carries out a command; rejects with Go's error, or when it ends or hangs. */
  async call(command: string, fields: object = {}): Promise<unknown> {
    this.#lastNumber += 1;
    const n = this.#lastNumber;
    const reply = await new Promise<Reply>((resolve) => {
      const late = setTimeout(() => this.#hearReply({ n, error: 'no answer' }), ANSWER_LIMIT_MS);
      this.#waiting.set(n, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      if (this.#child.exitCode !== null) this.#hearReply({ n, error: 'it has ended' });
      this.#child.stdin?.write(`${JSON.stringify({ n, do: command, ...fields })}\n`);
    });
    if (reply.error !== undefined) throw new Error(`asynq, ${command}: ${reply.error}`);
    return reply.ok;
  }

  /** It ends with its standard input, so also when this process is killed. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #hear(line: string): void {
    this.#hearReply(JSON.parse(line) as Reply);
  }

  #hearReply(reply: Reply): void {
    const answer = this.#waiting.get(reply.n);
    this.#waiting.delete(reply.n);
    answer?.(reply);
  }
}

/** What Go's client needs to know of a single Redis. */
function addressOf({ path, host, port, username, password, db, tls }: RedisOptions): object {
  const isSocket = typeof path === 'string';
  return {
    network: isSocket ? 'unix' : 'tcp',
    address: isSocket ? path : `${host ?? '127.0.0.1'}:${port ?? 6379}`,
    username: username ?? '',
    password: password ?? '',
    db: db ?? 0,
    tls: tls !== undefined,
  };
}

async function run(program: string, args: readonly string[], otherwise: string): Promise<string> {
  try {
    const options = { cwd: MODULE, timeout: BUILD_LIMIT_MS };
    const { stdout } = await promisify(execFile)(program, [...args], options);
    return stdout.trim();
  } catch (error) {
    throw new NoGoError(otherwise, { cause: error });
  }
}
