/**
 * A connection to a Redis Cluster: one to each of its masters, and the slots that say which of them has a key. ioredis'
 * own Cluster is not used: its connections have queues in which commands wait, and it does not tell a command that was
 * not sent from one whose reply was lost.
 *
 * A server that is away is looked for in two ways until all are there: its connection is tried again, and the others
 * are asked for the slots, as a replica may have taken its place.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { RedisReplyError, RedisUnreachableError } from '../errors.ts';
import { asking } from './asking.ts';
import {
  type ClusterMap,
  readClusterMap,
  readRedirect,
  type Redirect,
  slotOf,
  splitServer,
} from './cluster-map.ts';
import type { Connection, ConnectionLimits, RunOptions } from './connection.ts';
import { checkRedisOptions, type ClusterTarget, reconnectDelay } from './redis-options.ts';
import { openSingle, type SingleConnection } from './single-connection.ts';

/** One master. */
interface Node {
  /** `host:port`. */
  readonly name: string;
  readonly connection: SingleConnection;
  /** Instant of the monotonic clock since when it is away. */
  downSince: number | undefined;
}

/** Pause before a command goes to a slot again that is being moved, or whose servers do not agree. */
const SETTLE_MS = 100;
/** How long one server may take to tell the slots; then another one is asked. */
const LONGEST_QUESTION_MS = 1000;

/** One connection per master. It looks for them at the first command. */
export class ClusterConnection implements Connection {
  readonly address: string;
  readonly isCluster = true;
  readonly #target: ClusterTarget;
  readonly #limits: Required<ConnectionLimits>;
  readonly #nodes = new Map<string, Node>();
  readonly #listeners = new Set<(isUp: boolean) => void>();
  readonly #waiters = new Set<() => void>();
  readonly #closing = new Set<Promise<void>>();
  /** The master of each slot. */
  readonly #owners: (string | undefined)[] = [];
  #servers: readonly string[];
  #isUp = false;
  #isClosed = false;
  #isAsking = false;
  /** What asks for the slots, where no connection to a master can. */
  #questioner: SingleConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #turn = 0;
  #lastError: Error | undefined;

  constructor(target: ClusterTarget, limits: Required<ConnectionLimits>) {
    checkRedisOptions(target.options);
    this.#target = target;
    this.#limits = limits;
    this.#servers = target.seeds;
    this.address = `cluster ${target.seeds.join(',')}`;
  }

  isUp(): boolean {
    const nodes = [...this.#nodes.values()];
    return nodes.length > 0 && nodes.every(({ connection }) => connection.isUp());
  }

  onState(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ready(): Promise<void> {
    const end = performance.now() + this.#limits.connectTimeoutMs;
    while (!this.isUp()) await this.#change(end);
  }

  async run<Reply>(
    command: (redis: Redis) => Promise<Reply>,
    { key, withinMs = Number.POSITIVE_INFINITY }: RunOptions = {},
  ): Promise<Reply> {
    const begin = performance.now();
    const end = begin + Math.min(this.#limits.connectTimeoutMs, withinMs);
    const slot = key === undefined ? undefined : slotOf(key);
    let asked: Redirect | undefined;
    for (let hop = 1; ; hop++) {
      const node = this.#upNode(slot, asked) ?? (await this.#awaitNode(slot, end));
      const send = asked === undefined ? command : (redis: Redis) => command(asking(redis));
      try {
        const left = Math.max(begin + withinMs - performance.now(), 1);
        return await node.connection.run(send, { withinMs: left });
      } catch (error) {
        asked = await this.#redirect(error, node.name, end, hop);
      }
    }
  }

  duplicate(): SingleConnection {
    const options = { ...this.#target.options, ...splitServer(this.#anyServer()) };
    return openSingle(options, this.#limits, (attempt, where) => {
      Object.assign(where, splitServer(this.#anyServer()));
      return reconnectDelay(attempt);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    for (const name of this.#nodes.keys()) this.#drop(name);
    this.#wake();
    await Promise.all([...this.#closing, this.#questioner?.close()]);
  }

  /** The node to send to, if it is known and there; the caller waits otherwise. */
  #upNode(slot: number | undefined, asked: Redirect | undefined): Node | undefined {
    const node = asked === undefined ? this.#nodeOf(slot) : this.#nodes.get(asked.server);
    return node?.connection.isUp() === true ? node : undefined;
  }

  /** Without a slot the first that is there, or any. */
  #nodeOf(slot: number | undefined): Node | undefined {
    if (slot !== undefined) return this.#nodes.get(this.#owners[slot] ?? '');
    const nodes = [...this.#nodes.values()];
    return nodes.find(({ connection }) => connection.isUp()) ?? nodes[0];
  }

  async #awaitNode(slot: number | undefined, end: number): Promise<Node> {
    for (;;) {
      const node = this.#nodeOf(slot);
      if (node?.connection.isUp() === true) return node;
      // It has been waited for long enough: whoever works on several shards must not wait for a dead one at each call.
      if (this.#isLongGone(node)) throw this.#unreachable();
      await this.#change(end);
      // All are there and none has the slot: only asking again, at leisure, can help.
      if (this.isUp() && this.#nodeOf(slot) === undefined) await pause(SETTLE_MS);
    }
  }

  #isLongGone(node: Node | undefined): boolean {
    if (node?.downSince === undefined) return false;
    return performance.now() - node.downSince > this.#limits.connectTimeoutMs;
  }

  /** After a failure: answers, and where to go, if the command was not carried out and may be sent again. Else throws. */
  async #redirect(
    error: unknown,
    server: string,
    end: number,
    hop: number,
  ): Promise<Redirect | undefined> {
    const isRefused = error instanceof RedisReplyError;
    const redirect = isRefused ? readRedirect(error.reply, server, this.#target.natMap) : undefined;
    const isSettling = isRefused && /^(TRYAGAIN|CLUSTERDOWN) /.test(error.reply);
    const isNotDone =
      isSettling || redirect !== undefined || error instanceof RedisUnreachableError;
    if (!isNotDone) throw error;
    if (performance.now() >= end || this.#isClosed) {
      if (isRefused && error.reply.startsWith('CLUSTERDOWN')) throw error;
      this.#remember(error);
      throw this.#unreachable();
    }
    if (redirect !== undefined) this.#open(redirect.server);
    if (redirect?.kind === 'moved') this.#owners[redirect.slot] = redirect.server;
    if (redirect?.kind !== 'ask') this.#ask();
    // The first redirection is news. After that the servers do not agree yet.
    if (redirect === undefined || hop > 1) await pause(SETTLE_MS);
    return redirect?.kind === 'ask' ? redirect : undefined;
  }

  #open(name: string): Node {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const connection = openSingle({ ...this.#target.options, ...splitServer(name) }, this.#limits);
    const node: Node = { name, connection, downSince: performance.now() };
    this.#nodes.set(name, node);
    connection.onState((isUp) => {
      node.downSince = isUp ? undefined : performance.now();
      this.#onChange();
    });
    // It tries for ever by itself; why it failed is told to those who wait.
    connection.ready().catch((error: unknown) => this.#remember(error));
    return node;
  }

  #drop(name: string): void {
    const closed = this.#nodes.get(name)?.connection.close();
    this.#nodes.delete(name);
    if (closed === undefined) return;
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }

  /** Asks a server for the slots, unless one is being asked; and then again as long as not all masters are there. */
  #ask(): void {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#question()
      .then((map) => this.#apply(map))
      .catch((error: unknown) => this.#remember(error))
      .finally(() => {
        this.#isAsking = false;
        this.#onChange();
      });
  }

  async #question(): Promise<ClusterMap> {
    const name = this.#anyServer();
    const known = this.#nodes.get(name)?.connection;
    this.#questioner = known?.isUp() === true ? undefined : this.#openForQuestion(name);
    try {
      const reply = await (this.#questioner ?? known)?.run((redis) => redis.cluster('SLOTS'));
      return readClusterMap(reply, name, this.#target.natMap);
    } finally {
      await this.#questioner?.close();
    }
  }

  #openForQuestion(name: string): SingleConnection {
    const limitMs = Math.min(this.#limits.connectTimeoutMs, LONGEST_QUESTION_MS);
    const limits = { connectTimeoutMs: limitMs, commandTimeoutMs: limitMs };
    const options = { ...this.#target.options, ...splitServer(name) };
    return openSingle(options, limits, () => null); // the next question goes to another server
  }

  /** By turns one that is there; with none, one of all that were ever named. */
  #anyServer(): string {
    const up = [...this.#nodes].filter(([, { connection }]) => connection.isUp());
    const names =
      up.length > 0 ? up.map(([name]) => name) : [...this.#servers, ...this.#target.seeds];
    return names[this.#turn++ % names.length] ?? '';
  }

  #apply({ owners, servers }: ClusterMap): void {
    const masters = new Set(owners);
    if (this.#isClosed || servers.length === 0) return;
    owners.forEach((owner, slot) => {
      this.#owners[slot] = owner;
    });
    this.#servers = servers;
    // The new ones first: with the dead one gone and its heir not yet there, all would seem to be up.
    for (const name of masters) if (name !== undefined) this.#open(name);
    for (const name of this.#nodes.keys()) if (!masters.has(name)) this.#drop(name);
  }

  #onChange(): void {
    if (this.#isClosed) return;
    const isUp = this.isUp();
    if (isUp) this.#attempt = 0;
    else this.#timer ??= setTimeout(() => this.#ask(), reconnectDelay(++this.#attempt));
    this.#wake();
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    for (const listener of this.#listeners) listener(isUp);
  }

  /** Waits until something is different. Throws when the time is over. */
  async #change(end: number): Promise<void> {
    const leftMs = end - performance.now();
    if (leftMs <= 0 || this.#isClosed) throw this.#unreachable();
    if (this.#timer === undefined) this.#ask();
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, leftMs);
      this.#waiters.add(finish);
    });
  }

  #wake(): void {
    for (const finish of this.#waiters) finish();
  }

  #remember(error: unknown): void {
    const reason = error instanceof RedisUnreachableError ? (error.cause ?? error) : error;
    if (reason instanceof Error) this.#lastError = reason;
  }

  #unreachable(): RedisUnreachableError {
    const reason = this.#isClosed ? new Error('the connection was closed') : this.#lastError;
    const options = reason === undefined ? undefined : { cause: reason };
    return new RedisUnreachableError(this.address, this.#limits.connectTimeoutMs, options);
  }
}
