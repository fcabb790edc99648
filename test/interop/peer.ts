/** A real asynq in a process of its own, driven by lines of JSON: see `go/main.go`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { join } from 'node:path';
import { endWithParent } from '../helpers/redis.ts';

/** Released versions of asynq beside which Threadmill is tested. */
export type GoVersion = '0.26.0' | '0.24.1';

/** What a peer tells by itself, and all that a Go handler sees of its task. */
export interface PeerEvent {
  readonly event: string;
  readonly id?: string;
  readonly type?: string;
  readonly queue?: string;
  /** Base 64. */
  readonly payload?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly retried?: number;
  readonly maxRetry?: number;
  /** Unix seconds. */
  readonly deadline?: number;
  readonly error?: string;
  readonly group?: string;
  readonly parts?: readonly string[];
}

/** A task for Go's client. Durations in milliseconds, instants in Unix seconds; without a payload it is nil. */
export interface GoTask {
  readonly type: string;
  readonly payload?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly options?: GoOptions;
}

/** asynq's options. */
export interface GoOptions {
  readonly queue?: string;
  readonly maxRetry?: number;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly processAt?: number;
  readonly processIn?: number;
  readonly taskId?: string;
  readonly retention?: number;
  readonly group?: string;
  readonly unique?: number;
}

/** A task as Go's client and inspector show it. Instants in Unix seconds, 0 for none; durations in seconds. */
export interface GoTaskInfo {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: string | null;
  readonly state: string;
  readonly maxRetry: number;
  readonly retried: number;
  readonly lastErr: string;
  readonly lastFailedAt: number;
  readonly timeout: number;
  readonly deadline: number;
  readonly group: string;
  readonly nextProcessAt: number;
  readonly retention: number;
  readonly completedAt: number;
  readonly result: string | null;
  readonly isOrphaned: boolean;
  readonly headers: Readonly<Record<string, string>> | null;
}

/** What a Go server is set to; durations in milliseconds. */
export interface GoServerOptions {
  readonly queues: Readonly<Record<string, number>>;
  readonly strict?: boolean;
  readonly concurrency?: number;
  /** Default 1 s. */
  readonly shutdown?: number;
  readonly retryDelay?: number;
  readonly run?: boolean;
  readonly quiet?: boolean;
  readonly log?: string;
  readonly groups?: {
    readonly grace: number;
    readonly maxDelay?: number;
    readonly maxSize?: number;
    readonly hangAfterCheck?: boolean;
  };
}

interface Reply {
  readonly n?: number;
  readonly ok?: unknown;
  readonly error?: string;
}

/** Longest wait for an answer or an event: a busy machine may start processes slowly. */
const LIMIT_MS = 60_000;

/** Where `main.ts` has put the programs it built. */
export function goProgram(name: 'peer-0.26.0' | 'peer-0.24.1' | 'asynq' | string): string {
  const folder = process.env['THREADMILL_INTEROP_BIN'];
  if (folder === undefined) throw new Error('run these tests by `npm run test:interop`');
  return join(folder, name);
}

/** One peer. It is killed after the test that started it. */
export class Peer {
  readonly version: GoVersion;
  readonly events: PeerEvent[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #listeners = new Set<() => void>();
  #stderr = '';
  #lastNumber = 0;

  constructor(version: GoVersion, address: string) {
    this.version = version;
    this.#child = spawn(goProgram(`peer-${version}`), [address], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    endWithParent(this.#child);
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface(stdout).on('line', (line) => this.#hear(line));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
    this.#child.once('close', () => {
      for (const answer of this.#waiting.values()) answer({ error: `ended: ${this.#stderr}` });
      this.#tell();
    });
    after(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends a signal, and for SIGKILL waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.hasEnded) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    if (signal === 'SIGKILL') await exited;
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (!this.hasEnded) await once(this.#child, 'exit');
  }

  /** Carries out a command; rejects with the text of Go's error. */
  async call(command: string, fields: object = {}): Promise<unknown> {
    this.#lastNumber += 1;
    const n = this.#lastNumber;
    const reply = await new Promise<Reply>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${command}`)), LIMIT_MS);
      this.#waiting.set(n, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      this.#child.stdin?.write(`${JSON.stringify({ n, do: command, ...fields })}\n`);
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.ok;
  }

  async enqueue(task: GoTask): Promise<GoTaskInfo> {
    return (await this.call('enqueue', forGo(task))) as GoTaskInfo;
  }

  async serve(options: GoServerOptions): Promise<void> {
    await this.call('serve', { concurrency: 4, shutdown: 1_000, retryDelay: 0, ...options });
  }

  /** Calls a method of Go's inspector: see `go/inspector.go`. */
  async inspect(what: string, fields: object = {}): Promise<unknown> {
    return this.call('inspect', { what, ...fields });
  }

  async task(queue: string, id: string): Promise<GoTaskInfo> {
    return (await this.inspect('task', { queue, id })) as GoTaskInfo;
  }

  async list(queue: string, state: string, group?: string): Promise<GoTaskInfo[]> {
    return (await this.inspect('list', { queue, state, group })) as GoTaskInfo[];
  }

  /** Resolves with the first event that fits, past or to come. */
  async event(name: string, fits: (event: PeerEvent) => boolean = () => true): Promise<PeerEvent> {
    const giveUpAt = performance.now() + LIMIT_MS;
    for (;;) {
      const found = this.events.find((each) => each.event === name && fits(each));
      if (found !== undefined) return found;
      if (this.hasEnded) throw new Error(`the peer ended: ${this.#stderr}`);
      if (performance.now() > giveUpAt) throw new Error(`no ${name}: ${this.#stderr}`);
      await this.#changed();
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(late);
        this.#listeners.delete(done);
        resolve();
      };
      const late = setTimeout(done, 1_000);
      this.#listeners.add(done);
    });
  }

  #hear(line: string): void {
    const said = JSON.parse(line) as Reply & Partial<PeerEvent>;
    if (said.n === undefined) this.events.push(said as PeerEvent);
    else this.#waiting.get(said.n)?.(said);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Go takes bytes as base 64, and a payload that is absent as nil. */
export function forGo({ payload, ...task }: GoTask): object {
  return payload === undefined
    ? task
    : { ...task, payload: Buffer.from(payload).toString('base64') };
}

/** What Go shows as base 64. */
export function fromGo(bytes: string | null | undefined): string {
  return Buffer.from(bytes ?? '', 'base64').toString();
}
