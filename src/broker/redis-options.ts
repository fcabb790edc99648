/** Which ioredis options Threadmill can work with, and which it sets itself. */
import type { Cluster, NatMap, Redis, RedisOptions } from 'ioredis';
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';

/**
 * What may be passed as `redis`: a URL, ioredis options, or an ioredis instance that stays the caller's. Of an ioredis
 * Cluster only addresses and options are used: it sends commands again when it lost a connection.
 */
export type RedisOption = string | RedisOptions | Redis | Cluster;

/** Where a Redis Cluster is. */
export interface ClusterTarget {
  /** `host:port` of servers that are asked for all others. */
  readonly seeds: readonly string[];
  /** For every server: login, TLS. */
  readonly options: RedisOptions;
  /** What servers call each other, to what we can reach. */
  readonly natMap?: NatMap;
}

interface Rule {
  readonly name: keyof RedisOptions;
  readonly isBroken: (value: unknown) => boolean;
  readonly accepts: string;
}

const isTrue = (value: unknown): boolean => value === true;
const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** Options that change keys or replies, or that keep commands from being carried out in order. */
const RULES: readonly Rule[] = [
  {
    name: 'keyPrefix',
    isBroken: isSet,
    accepts: 'nothing: scripts derive keys, which a prefix would not reach',
  },
  {
    name: 'replyMapping',
    isBroken: (value) => value === 'resp3',
    accepts: '"legacy", as replies must look the same under both protocols',
  },
  { name: 'stringNumbers', isBroken: isTrue, accepts: 'false, as replies are read as numbers' },
  {
    name: 'role',
    isBroken: (value) => value === 'slave',
    accepts: '"master", as every task is written',
  },
  { name: 'readOnly', isBroken: isTrue, accepts: 'false, as every task is written' },
  {
    name: 'monitor',
    isBroken: isTrue,
    accepts: 'false, as a monitoring connection takes no commands',
  },
  {
    name: 'enableAutoPipelining',
    isBroken: isTrue,
    accepts: 'false, as it delays commands and cannot carry scripts',
  },
];

/** Throws `InvalidOptionsError` with every option that breaks the protocol. Values that may be secret are not shown. */
export function checkRedisOptions(options: RedisOptions): void {
  const issues: OptionIssue[] = RULES.filter((rule) => rule.isBroken(options[rule.name])).map(
    (rule) => ({ name: `redis.${rule.name}`, value: options[rule.name], accepts: rule.accepts }),
  );
  if (issues.length > 0) throw new InvalidOptionsError(issues);
}

/** Whether it is an ioredis Cluster, of whichever copy of the package. */
export function isCluster(option: Exclude<RedisOption, string>): option is Cluster {
  return 'isCluster' in option && option.isCluster;
}

/** Addresses and options of an ioredis Cluster. Throws `InvalidOptionsError` for options that break the protocol. */
export function readCluster(cluster: Cluster): ClusterTarget {
  const { redisOptions, keyPrefix, natMap } = cluster.options;
  // Their type hides them, but before it connects nothing else tells where the Cluster is.
  const nodes: unknown = Reflect.get(cluster, 'startupNodes');
  const startup = Array.isArray(nodes) ? nodes.map(readStartupNode) : [];
  const options = { ...startup[0], ...redisOptions };
  checkRedisOptions(keyPrefix === undefined ? options : { ...options, keyPrefix });
  const seeds = startup.map(({ host, port }) => `${host ?? '127.0.0.1'}:${port ?? 6379}`);
  if (seeds.length === 0) {
    const accepts = 'an ioredis Cluster with at least one address';
    throw new InvalidOptionsError([{ name: 'redis', value: 'an ioredis Cluster', accepts }]);
  }
  return natMap === undefined ? { seeds, options } : { seeds, options, natMap };
}

/** A number is a port, text an address, as for ioredis. */
function readStartupNode(node: unknown): RedisOptions {
  if (typeof node === 'number') return { port: node };
  if (typeof node !== 'string') return node as RedisOptions;
  const url = new URL(node.includes('://') ? node : `redis://${node}`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/**
 * What Threadmill sets on every connection of its own, whatever the caller's options say: no command waits in a queue
 * of the connection layer, none is sent twice, and a connection that is lost comes back.
 */
export function ownConnectionOptions(limits: {
  connectTimeoutMs: number;
  commandTimeoutMs: number;
}): RedisOptions {
  return {
    lazyConnect: true,
    protocol: 2, // replies of scripts are the same under RESP3; invalidation messages only arrive under RESP2
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // anything else leaves promises unsettled without the resend (ioredis#2193)
    autoResubscribe: false, // ioredis leaves its rejection unhandled
    enableAutoPipelining: false,
    connectTimeout: limits.connectTimeoutMs,
    socketTimeout: limits.commandTimeoutMs, // only this heals a connection that died silently
    disconnectTimeout: 100,
    sentinelRetryStrategy: reconnectDelay,
    // One that hangs must not keep us from asking the next.
    sentinelCommandTimeout: Math.min(limits.connectTimeoutMs / 2, 1000),
    retryStrategy: reconnectDelay,
  };
}

/** 50 ms doubling to 1 s, less up to a quarter at random so that a fleet does not come back all at once. For ever. */
export function reconnectDelay(attempt: number): number {
  const full = Math.min(50 * 2 ** Math.min(attempt - 1, 10), 1000);
  return full * (1 - Math.random() / 4);
}
