/** Where a walk takes place: a Redis or a Cluster, with clients and servers of both kinds on it. */
import { execFile } from 'node:child_process';
import { after } from 'node:test';
import type { Redis } from 'ioredis';
import { Client, Server, type ServerOptions } from '../../src/index.ts';
import { queueKeys } from '../../src/wire/keys.ts';
import { decodeTaskMessage, type TaskMessage } from '../../src/wire/task-message.ts';
import { freePort } from '../helpers/free-port.ts';
import { fixture } from '../helpers/paths.ts';
import { useRedis } from '../helpers/redis.ts';
import { useCluster } from '../helpers/redis-cluster.ts';
import { goProgram, type GoVersion, Peer } from './peer.ts';

/** Both places. */
export type StageKind = 'Redis' | 'Cluster';

/** How asynq's command line ended. */
export interface CliEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One place. */
export interface Stage {
  readonly kind: StageKind;
  /** For Threadmill. */
  readonly url: string;
  /** For Go: `unix:/path` or `cluster:host:port,…`. */
  readonly address: string;
  /** Look-ups on the server that has this key. */
  redisOf(key: string): Redis;
  readonly client: Client;
  /** A queue name that no other test of the file uses. */
  queue(name?: string): string;
  /** A peer that ends with the test. */
  peer(version?: GoVersion): Peer;
  /** A Threadmill server that ends with the test. Retries come at once, intervals are short. */
  server(queues: ServerOptions['queues'], options?: Partial<ServerOptions>): Promise<Server>;
  /** Runs asynq's own command line to its end. */
  cli(...words: string[]): Promise<CliEnd>;
  /** The fields of a task's hash, `msg` decoded. */
  hash(queue: string, id: string): Promise<TaskHash>;
}

/** What Redis holds of a task. */
export interface TaskHash {
  readonly fields: Readonly<Record<string, Buffer>>;
  readonly state: string;
  readonly bytes: Buffer;
  readonly message: TaskMessage;
}

interface Place {
  readonly kind: StageKind;
  readonly url: string;
  readonly address: string;
  readonly cliFlags: readonly string[];
  redisOf(key: string): Redis;
}

/** A busy machine is no outage. */
const CONNECT_TIMEOUT_MS = 30_000;

/** The folder with Threadmill's handlers of the same acts as `go/server.go`. */
export const HANDLERS: string = fixture('interop');

/** A single Redis, ended after the tests of the file. */
export async function useSingle(): Promise<Stage> {
  const port = await freePort(); // asynq's command line knows no unix sockets
  const redis = await useRedis({ args: ['--bind', '127.0.0.1', '--port', `${port}`] });
  return makeStage({
    kind: 'Redis',
    url: redis.url,
    address: `unix:${redis.socket}`,
    cliFlags: ['--uri', `127.0.0.1:${port}`],
    redisOf: () => redis.client,
  });
}

/** A Cluster of three masters, ended after the tests of the file. */
export async function useClusterStage(): Promise<Stage> {
  const cluster = await useCluster({ replicas: false });
  const nodes = cluster.masters.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return makeStage({
    kind: 'Cluster',
    url: cluster.url,
    address: `cluster:${nodes}`,
    cliFlags: ['--cluster', '--cluster_addrs', nodes],
    redisOf: (key) => cluster.masterOf(key).redis.client,
  });
}

function makeStage(place: Place): Stage {
  const { kind, url, address, cliFlags } = place;
  const redisOf = (key: string): Redis => place.redisOf(key);
  const client = new Client({ redis: url, connectTimeout: CONNECT_TIMEOUT_MS });
  after(() => client.close());
  let queues = 0;
  return {
    kind,
    url,
    address,
    redisOf,
    client,
    queue(name = 'q') {
      queues += 1;
      return `${name}${queues}`;
    },
    peer: (version = '0.26.0') => new Peer(version, address),
    async server(served, options = {}) {
      const server = new Server({
        redis: url,
        connectTimeout: CONNECT_TIMEOUT_MS,
        handlers: HANDLERS,
        ...(served === undefined ? {} : { queues: served }),
        concurrency: 2,
        logLevel: 'silent',
        pollInterval: 20,
        forwardInterval: 100,
        janitorInterval: 200,
        cancelGrace: 300,
        shutdownTimeout: 1_000,
        heartbeatInterval: 500,
        retryDelay: () => 0,
        isFailure: (error) => error.message !== 'busy',
        ...options,
      });
      after(async () => {
        await server.shutdown();
      });
      await server.start();
      return server;
    },
    cli: (...words) => runCli([...words, ...cliFlags]),
    async hash(queue, id) {
      const key = queueKeys(queue).task(id);
      const fields = await redisOf(key).hgetallBuffer(key);
      const bytes = fields['msg'] ?? Buffer.alloc(0);
      const message = decodeTaskMessage(bytes);
      return { fields, state: String(fields['state']), bytes, message };
    },
  };
}

function runCli(words: readonly string[]): Promise<CliEnd> {
  return new Promise((resolve) => {
    // Without a home there is no file with settings of the user's.
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
    const child = execFile(goProgram('asynq'), words, { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
