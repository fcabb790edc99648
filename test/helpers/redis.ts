/** A private Redis per test file, on a unix socket in a temporary folder: files run in parallel and share nothing. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Redis, type RedisOptions } from 'ioredis';

/** A running private Redis. */
export interface TestRedis {
  /** `redis-socket:///…`, as users would write it. */
  readonly url: string;
  /** Path of its unix socket. */
  readonly socket: string;
  /** Raw look-ups. It comes back by itself after `restart()`. */
  readonly client: Redis;
  readonly pid: number;
  /** Stops the server and removes its folder. Called by itself after the tests of the file. */
  stop(): Promise<void>;
  /** Ends the server with a signal; the folder and the socket's path stay. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts an ended server again at the same path; without persistence it is empty. */
  restart(): Promise<void>;
}

/** Starts a private Redis, with further arguments of `redis-server`; `client` adds options of the raw client. */
export async function useRedis(
  options: { args?: readonly string[]; client?: RedisOptions } = {},
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-test-redis-'));
  const socket = join(folder, 'redis.sock');
  let child = await launch(folder, socket, options.args ?? []);
  const client = new Redis(socket, {
    ...options.client,
    replyMapping: 'legacy',
    retryStrategy: () => 10,
  });
  client.on('error', () => undefined); // outages are part of the tests
  let isStopped = false;
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => end(child, signal);
  const redis: TestRedis = {
    url: `redis-socket://${socket}`,
    socket,
    client,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    restart: async () => {
      child = await launch(folder, socket, options.args ?? []);
    },
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      client.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  after(() => redis.stop());
  return redis;
}

async function launch(
  folder: string,
  socket: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder];
  const quiet = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const child = spawn(serverBinary(), [...settings, ...quiet, ...args], {
    // Nothing inherited: whoever holds a pipe of the test process keeps the test runner waiting for its end.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  endWithParent(child);
  await untilReady(child);
  return child;
}

/** However the test process ends, crash and kill -9 included: a shell waits for the end of a pipe and kills the server. */
export function endWithParent(child: ChildProcess): void {
  const watcher = spawn('sh', ['-c', 'read -r _; kill -KILL "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

/** Waits for the line by which the server says that it takes connections. */
async function untilReady(child: ChildProcess): Promise<void> {
  let log = '';
  for await (const chunk of child.stdout ?? []) {
    log += String(chunk);
    if (/ready to accept connections/i.test(log)) break;
  }
  if (!/ready to accept connections/i.test(log)) throw new Error(`redis did not start: ${log}`);
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

let foundBinary: string | undefined;

/** What starts a server, and with `--sentinel` a sentinel. */
export function serverBinary(): string {
  const names = [process.env['REDIS_SERVER'] ?? 'redis-server', 'valkey-server'];
  foundBinary ??= names.find((name) => spawnSync(name, ['--version']).status === 0);
  if (foundBinary === undefined) throw new Error('no redis-server or valkey-server found');
  return foundBinary;
}
