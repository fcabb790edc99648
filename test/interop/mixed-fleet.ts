/** Three Go and three Threadmill servers as processes, each started again when it is killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVERS as SERVERS_KEY } from '../../src/wire/keys.ts';
import { endWithParent } from '../helpers/redis.ts';
import { until } from '../helpers/server.ts';
import type { Side } from './act.ts';
import { RETRY_DELAY_MS, SERVERS, WEIGHTS } from './mixed-load.ts';
import { type Life, parseNotes } from './mixed-verdict.ts';
import { Peer } from './peer.ts';
import { HANDLERS, type Stage } from './stage.ts';

const CONCURRENCY = 6;
/** The tasks wait: a thread has room for some of them. */
const TASKS_PER_THREAD = 3;
const RESTART_AFTER_MS = 500;
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 120_000;
const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const LIBRARY_SERVER = fileURLToPath(new URL('mixed-server.js', import.meta.url));

/** One process of a server, and where it notes what it runs. */
interface Member {
  readonly name: string;
  readonly side: Side;
  readonly log: string;
  killedAt?: number;
  kill(): Promise<void>;
  /** Ends it in order. */
  end(): Promise<void>;
}

/** The servers. Whatever still runs is killed after the test. */
export class MixedFleet {
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #queues: Readonly<Record<string, number>>;
  readonly #isStrict: boolean;
  readonly #members: Member[] = [];
  readonly #present = new Map<string, Member>();

  constructor(
    stage: Stage,
    folder: string,
    { queues = WEIGHTS, isStrict = false }: { queues?: typeof WEIGHTS; isStrict?: boolean } = {},
  ) {
    this.#stage = stage;
    this.#folder = folder;
    this.#queues = queues;
    this.#isStrict = isStrict;
  }

  /** Resolves when all of them are seen in Redis. */
  async start(): Promise<void> {
    for (const side of ['Threadmill', 'Go'] as const) {
      for (let index = 0; index < SERVERS; index += 1) await this.#start(side, index);
    }
    const servers = this.#stage.redisOf(SERVERS_KEY);
    await until(async () => (await servers.zcard(SERVERS_KEY)) >= 2 * SERVERS, START_LIMIT_MS);
  }

  /** Kills a server at the moment it has begun a task, and starts it again a little later. */
  async kill(side: Side, index: number): Promise<void> {
    const member = this.#present.get(`${side} ${index}`);
    if (member === undefined) throw new Error(`there is no ${side} ${index}`);
    await until(() => parseNotes(readLog(member.log)).at(-1)?.what === 'begin', START_LIMIT_MS);
    this.#present.delete(`${side} ${index}`);
    await member.kill();
    await sleep(RESTART_AFTER_MS);
    await this.#start(side, index);
  }

  /** Ends all servers in order. */
  async end(): Promise<void> {
    await Promise.all([...this.#present.values()].map((member) => member.end()));
  }

  /** What each process noted, the killed ones included. */
  lives(): Life[] {
    return this.#members.map(({ name, side, log, killedAt }) => ({
      name,
      side,
      notes: parseNotes(readLog(log)),
      ...(killedAt === undefined ? {} : { killedAt }),
    }));
  }

  async #start(side: Side, index: number): Promise<void> {
    const name = `${side} ${index} (${this.#members.length})`;
    const log = join(this.#folder, `${this.#members.length}.log`);
    const member =
      side === 'Go' ? await this.#startGo(name, log) : this.#startOurs(name, log, index);
    this.#members.push(member);
    this.#present.set(`${side} ${index}`, member);
  }

  async #startGo(name: string, log: string): Promise<Member> {
    const peer = new Peer('0.26.0', this.#stage.address);
    const member: Member = {
      name,
      side: 'Go',
      log,
      kill: async () => {
        member.killedAt = Date.now();
        await peer.kill();
      },
      end: async () => {
        await peer.call('shutdown');
        await peer.kill();
      },
    };
    await peer.serve({
      queues: this.#queues,
      strict: this.#isStrict,
      concurrency: CONCURRENCY,
      retryDelay: RETRY_DELAY_MS,
      shutdown: 5_000,
      quiet: true,
      log,
    });
    return member;
  }

  /** The first is `threadmill serve`, with a child process; the others are servers of a program of their own. */
  #startOurs(name: string, log: string, index: number): Member {
    const child = index === 0 ? this.#spawnServe(log) : this.#spawnLibrary(log);
    endWithParent(child);
    after(() => killWhole(child));
    const member: Member = {
      name,
      side: 'Threadmill',
      log,
      kill: async () => {
        member.killedAt = Date.now();
        await killWhole(child);
      },
      end: async () => {
        const exited = once(child, 'exit', { signal: AbortSignal.timeout(END_LIMIT_MS) });
        child.kill('SIGTERM');
        await exited;
      },
    };
    return member;
  }

  #spawnServe(log: string): ChildProcess {
    const cwd = `${log}.serve`;
    mkdirSync(cwd);
    const config = `export default { retryDelay: () => ${RETRY_DELAY_MS} };\n`;
    writeFileSync(join(cwd, 'threadmill.config.mjs'), config);
    const queues = Object.entries(this.#queues).map(([queue, weight]) => `${queue}=${weight}`);
    return spawn(process.execPath, [COMMAND, 'serve'], {
      cwd,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        THREADMILL_INTEROP_LOG: log,
        REDIS_URL: this.#stage.url,
        HANDLERS,
        QUEUES: queues.join(','),
        STRICT_PRIORITY: String(this.#isStrict),
        CONCURRENCY: String(CONCURRENCY),
        TASKS_PER_THREAD: String(TASKS_PER_THREAD),
        HTTP_PORT: 'off',
        LOG_LEVEL: 'error',
        FORWARD_INTERVAL: '100ms',
      },
    });
  }

  #spawnLibrary(log: string): ChildProcess {
    const options = {
      redis: this.#stage.url,
      handlers: HANDLERS,
      queues: this.#queues,
      strictPriority: this.#isStrict,
      concurrency: CONCURRENCY,
      tasksPerThread: TASKS_PER_THREAD,
      forwardInterval: 100,
    };
    return spawn(process.execPath, [LIBRARY_SERVER, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], THREADMILL_INTEROP_LOG: log },
    });
  }
}

/** Kills a process and its children, the parent first, which would start them again. */
async function killWhole(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const children = childrenOf(child.pid ?? 0);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  for (const pid of children) killIfThere(pid);
  await exited;
}

function childrenOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, ppid, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && args.includes('child-main') ? [Number(pid)] : [];
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // it has run nothing
    throw error;
  }
}
