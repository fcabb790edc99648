/** A private master with a replica, and three sentinels that watch them, per test file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './free-port.ts';
import { end, endWithParent, serverBinary, type TestRedis, useRedis } from './redis.ts';
import { until } from './server.ts';

/** A running private set. */
export interface TestSentinels {
  /** `redis-sentinel://…?master=mill`; no passwords in it. */
  readonly url: string;
  /** The sentinels, as `host:port`. */
  readonly hosts: readonly string[];
  /** The first master. */
  readonly master: TestRedis;
  readonly masterPort: number;
  readonly replica: TestRedis;
  readonly replicaPort: number;
  /** Stops and continues a sentinel, or ends it. */
  signal(sentinel: number, signal: NodeJS.Signals): void;
}

/** What the master is called. */
export const MASTER = 'mill';
/** How long a master is silent before a sentinel takes it for dead. */
const DOWN_AFTER_MS = 1000;

interface Options {
  /** Further arguments of both servers. */
  readonly args?: readonly string[];
  /** Further options of the raw clients of both servers. */
  readonly client?: RedisOptions;
  /** Lines for the configuration of each sentinel, e.g. its password. */
  readonly sentinelLines?: readonly string[];
  readonly sentinelPassword?: string;
}

/** Starts a set. It is ended after the tests of the file. */
export async function useSentinels(options: Options = {}): Promise<TestSentinels> {
  const { args = [], client = {}, sentinelPassword } = options;
  const [masterPort, replicaPort] = [await freePort(), await freePort()];
  const common = ['--bind', '127.0.0.1', '--repl-diskless-sync-delay', '0', ...args];
  const master = await useRedis({ args: ['--port', `${masterPort}`, ...common], client });
  const replica = await useRedis({
    args: ['--port', `${replicaPort}`, '--replicaof', '127.0.0.1', `${masterPort}`, ...common],
    client,
  });
  const ports = [await freePort(), await freePort(), await freePort()];
  const children = await Promise.all(
    ports.map((port) => startSentinel(port, masterPort, options.sentinelLines ?? [])),
  );
  for (const port of ports) await untilWatching(port, sentinelPassword);
  const hosts = ports.map((port) => `127.0.0.1:${port}`);
  return {
    url: `redis-sentinel://${hosts.join(',')}?master=${MASTER}`,
    hosts,
    master,
    masterPort,
    replica,
    replicaPort,
    signal: (sentinel, signal) => void children[sentinel]?.kill(signal),
  };
}

async function startSentinel(
  port: number,
  masterPort: number,
  lines: readonly string[],
): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'threadmill-test-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 2000`,
    ...lines,
  ];
  await writeFile(file, `${settings.join('\n')}\n`);
  const child = spawn(serverBinary(), [file, '--sentinel'], { stdio: 'ignore' });
  endWithParent(child);
  after(async () => {
    await end(child, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return child;
}

/** Until it knows the replica and both other sentinels: before that it could not fail over. */
async function untilWatching(port: number, password: string | undefined): Promise<void> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    replyMapping: 'legacy',
    retryStrategy: () => 20,
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', () => undefined); // it is still starting
  await until(async () => {
    const facts = (await client.call('SENTINEL', 'MASTER', MASTER)) as string[];
    const value = (name: string): string | undefined => facts[facts.indexOf(name) + 1];
    return value('num-slaves') === '1' && value('num-other-sentinels') === '2';
  }, 60_000);
  client.disconnect();
}
