/** What the broker asks of Redis goes through a connection: to one server, by way of Sentinel, or to a Cluster. */
import type { Redis, RedisOptions } from 'ioredis';
import { ClusterConnection } from './cluster-connection.ts';
import { isCluster, readCluster, type RedisOption } from './redis-options.ts';
import { parseClusterUrl, parseRedisUrl } from './redis-url.ts';
import { openThroughSentinel } from './sentinel-connection.ts';
import { openSingle, shareSingle } from './single-connection.ts';
import type { ValueReader } from './value-reader.ts';

export type { RedisOption } from './redis-options.ts';

/** Time limits of a connection, in milliseconds. */
export interface ConnectionLimits {
  /** How long a command waits for the connection. */
  readonly connectTimeoutMs: number;
  /** How long a command waits for its reply. Default: `connectTimeoutMs`. */
  readonly commandTimeoutMs?: number;
}

/** Of one call. */
export interface RunOptions {
  /** One of its keys. */
  readonly key?: string | undefined;
  /** Bounds the wait for connection and reply together, in milliseconds. Default: no further bound. */
  readonly withinMs?: number | undefined;
}

/** A connection that never hangs, never sends a command twice, and tells "was not sent" from "no reply". */
export interface Connection {
  /** What it is connected to, without user and password. */
  readonly address: string;
  /** Whether keys are spread over several servers, so that only those with the same hash tag are surely on one. */
  readonly isCluster: boolean;
  /** Whether commands can be sent now; to a Cluster, whether to every shard. */
  isUp(): boolean;
  /** Calls back once per change of `isUp()`, until the returned function is called. */
  onState(listener: (isUp: boolean) => void): () => void;
  /** Waits until it is up. Throws `RedisUnreachableError` after the connect timeout, or when closed. */
  ready(): Promise<void>;
  /**
   * Sends commands and awaits their replies, within the time limits. Commands of calls made while the connection is up
   * keep the order of the calls (in a Cluster, of the calls to one shard). Throws `RedisUnreachableError` (nothing was
   * carried out), `ReplyLostError` (it may have been) or `RedisReplyError` (Redis refused).
   *
   * In a Cluster all keys of one call are in the slot of its `key`; without one the call goes to any server.
   */
  run<Reply>(command: (redis: Redis) => Promise<Reply>, options?: RunOptions): Promise<Reply>;
  /** A shorter way for large values, where there is one (see `fetchValue`). */
  readonly values?: ValueReader | undefined;
  /** Another connection to the same Redis, always our own, for subscriptions: to a Cluster it leads to any server of it. */
  duplicate(): Connection;
  /** Closes our own connection once the replies on their way have come; leaves the caller's open. Never throws. */
  close(): Promise<void>;
}

/** Opens a connection; it connects at the first command. Throws `InvalidOptionsError` for options that break the protocol. */
export function openConnection(option: RedisOption, limits: ConnectionLimits): Connection {
  const full = {
    connectTimeoutMs: limits.connectTimeoutMs,
    commandTimeoutMs: limits.commandTimeoutMs ?? limits.connectTimeoutMs,
  };
  if (typeof option === 'string') {
    const cluster = parseClusterUrl(option);
    if (cluster !== undefined) return new ClusterConnection(cluster, full);
    return openOwn(parseRedisUrl(option), full);
  }
  if (isCluster(option)) return new ClusterConnection(readCluster(option), full);
  return 'callBuffer' in option ? shareSingle(option, full) : openOwn(option, full);
}

function openOwn(options: RedisOptions, limits: Required<ConnectionLimits>): Connection {
  return options.sentinels ? openThroughSentinel(options, limits) : openSingle(options, limits);
}
