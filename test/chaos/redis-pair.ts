/** Two real Redis servers with append-only files, one the replica of the other; which is the master changes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findServer } from '../../src/embedded/find-server.ts';
import { freePort } from '../helpers/free-port.ts';
import type { Guard } from './guard.ts';

const LOOK_MS = 20;
const READY_MS = 15_000;

interface Node {
  readonly port: number;
  readonly folder: string;
  readonly client: Redis;
  child: ChildProcess | undefined;
}

/** The pair. All acknowledged writes are on the disk: only what is lost by somebody else can be lost. */
export class RedisPair {
  readonly #program: string;
  readonly #guard: Guard;
  #master: Node;
  #replica: Node;

  private constructor(program: string, guard: Guard, master: Node, replica: Node) {
    this.#program = program;
    this.#guard = guard;
    this.#master = master;
    this.#replica = replica;
  }

  /** Starts both below this folder. */
  static async start(folder: string, guard: Guard): Promise<RedisPair> {
    const nodes = await Promise.all(['one', 'two'].map((name) => makeNode(join(folder, name))));
    const [master, replica] = nodes;
    if (master === undefined || replica === undefined) throw new Error('two make a pair');
    const pair = new RedisPair(await serverProgram(), guard, master, replica);
    await Promise.all(nodes.map((node) => pair.#launch(node)));
    await replica.client.replicaof('127.0.0.1', master.port);
    await pair.inSync();
    return pair;
  }

  /** Where the master listens. */
  get port(): number {
    return this.#master.port;
  }

  /** A direct connection to the master. */
  get client(): Redis {
    return this.#master.client;
  }

  /** Ends the master with a signal, and starts it again with the data it had. */
  async restart(signal: NodeJS.Signals, awayMs: number): Promise<void> {
    await this.#end(this.#master, signal);
    await sleep(awayMs);
    await this.#launch(this.#master);
  }

  /**
   * Makes the replica the master, coordinated: the old master takes no writes until the replica has them all. Any other
   * failover can lose acknowledged writes, which no queue can prevent.
   */
  async failover(): Promise<void> {
    await this.inSync();
    const [master, replica] = [this.#master, this.#replica];
    await master.client.call('FAILOVER', 'TO', '127.0.0.1', replica.port, 'TIMEOUT', 10_000);
    await until('the failover', async () => (await roleOf(replica.client)) === 'master');
    this.#master = replica;
    this.#replica = master;
  }

  /** Resolves when the replica has all that the master has. */
  async inSync(): Promise<void> {
    await until('the replica', async () => {
      const text = await this.#master.client.info('replication');
      const state = /^slave0:.*\bstate=(\w+).*\boffset=(\d+)/m.exec(text);
      const offset = /^master_repl_offset:(\d+)/m.exec(text);
      return state?.[1] === 'online' && Number(state[2]) >= Number(offset?.[1]) - 100_000;
    });
  }

  async stop(): Promise<void> {
    for (const node of [this.#master, this.#replica]) {
      node.client.disconnect();
      await this.#end(node, 'SIGKILL');
    }
  }

  async #launch(node: Node): Promise<void> {
    const { port, folder } = node;
    const child = spawn(
      this.#program,
      [
        `--port ${port} --bind 127.0.0.1 --daemonize no --save`.split(' '),
        ['', '--dir', folder],
        // A write is answered when it is on the disk.
        '--appendonly yes --appendfsync always'.split(' '),
        '--repl-diskless-sync yes --repl-diskless-sync-delay 0 --repl-backlog-size 16mb'.split(' '),
      ].flat(),
      { stdio: 'ignore', cwd: folder },
    );
    node.child = child;
    if (child.pid !== undefined) this.#guard.add(child.pid);
    await until('redis-server', async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      return (await node.client.ping().catch(() => '')) === 'PONG';
    });
  }

  async #end(node: Node, signal: NodeJS.Signals): Promise<void> {
    const { child } = node;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    if (child.pid !== undefined) this.#guard.delete(child.pid);
  }
}

async function makeNode(folder: string): Promise<Node> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const client = new Redis(port, '127.0.0.1', {
    replyMapping: 'legacy',
    retryStrategy: () => 25,
    maxRetriesPerRequest: null, // it looks and commands, and may wait for its Redis
  });
  client.on('error', () => undefined); // outages are what this is about
  return { port, folder, client, child: undefined };
}

async function serverProgram(): Promise<string> {
  const found = await findServer();
  if (found === undefined) throw new Error('no redis-server or valkey-server found');
  return found.path;
}

async function roleOf(client: Redis): Promise<string | undefined> {
  return /^role:(\w+)/m.exec(await client.info('replication'))?.[1];
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${READY_MS} ms: ${what}`);
    await sleep(LOOK_MS);
  }
}
