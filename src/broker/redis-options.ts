/** Which ioredis options Threadmill can work with, and which it sets itself. */
import type { Redis, RedisOptions } from 'ioredis';
import { InvalidOptionsError, type OptionIssue } from '../errors.ts';

/** What may be passed as `redis`: a URL, ioredis options, or an ioredis instance that stays the caller's. */
export type RedisOption = string | RedisOptions | Redis;

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

/**
 * Whether it is an ioredis instance, of whichever copy of the package. Throws for a Cluster, which needs batches split
 * by slot and comes with a later release.
 */
export function isRedisInstance(option: Exclude<RedisOption, string>): option is Redis {
  if (!('callBuffer' in option) || !('duplicate' in option)) return false;
  if (option.isCluster) {
    const accepts = 'a connection to a single Redis or through Sentinel';
    throw new InvalidOptionsError([{ name: 'redis', value: 'an ioredis Cluster', accepts }]);
  }
  return true;
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
    retryStrategy: reconnectDelay,
  };
}

/** 50 ms doubling to 1 s, less up to a quarter at random so that a fleet does not come back all at once. For ever. */
function reconnectDelay(attempt: number): number {
  const full = Math.min(50 * 2 ** Math.min(attempt - 1, 10), 1000);
  return full * (1 - Math.random() / 4);
}
