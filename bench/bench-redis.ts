/** The Redis that all contenders share: one of the benchmark's own, or one that was named. */
import { Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl } from '../src/broker/redis-url.ts';
import { startEmbeddedRedis } from '../src/index.ts';
import { QUEUES } from '../src/wire/keys.ts';

/** Every queue of the benchmark begins so, and BullMQ's keys too: nothing else is ever deleted. */
export const BENCH_PREFIX = 'threadmill-bench';

/** A Redis to measure on. */
export interface BenchRedis {
  readonly url: string;
  /** For ioredis: what `url` means. */
  readonly options: RedisOptions;
  /** As `INFO server` says it, e.g. `redis 7.0.15`. */
  readonly version: string;
  /** Deletes what the benchmark stored, so that every slice meets the same database. */
  clean(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a private server, or connects to `url`, where only keys of the benchmark are touched. */
export async function openBenchRedis(url: string | undefined): Promise<BenchRedis> {
  const embedded = url === undefined ? await startEmbedded() : undefined;
  const address = url ?? embedded?.url ?? '';
  const options = parseRedisUrl(address);
  const client = connection(options);
  const stop = async (): Promise<void> => {
    client.disconnect();
    await embedded?.stop();
  };
  try {
    await connect(client);
    const version = versionOf(await client.info('server'));
    return { url: address, options, version, clean: () => clean(client), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A lost connection is not made again: the figures would mean nothing. */
function connection(options: RedisOptions): Redis {
  return new Redis({
    ...options,
    replyMapping: 'legacy',
    lazyConnect: true,
    retryStrategy: () => null,
  });
}

/** ioredis rejects with "closed" and tells the reason in an event. */
async function connect(client: Redis): Promise<void> {
  let reason: unknown;
  client.on('error', (error) => {
    reason = error;
  });
  await client.connect().catch((error: unknown) => {
    throw new Error('the benchmark cannot reach its Redis', { cause: reason ?? error });
  });
}

function startEmbedded(): ReturnType<typeof startEmbeddedRedis> {
  return startEmbeddedRedis({
    persistent: false,
    onInstall: (line) => process.stderr.write(`${line}\n`),
  });
}

function versionOf(info: string): string {
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  if (valkey !== undefined) return `valkey ${valkey}`;
  return `redis ${/^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version'}`;
}

async function clean(client: Redis): Promise<void> {
  for (const pattern of [`asynq:{${BENCH_PREFIX}*`, `${BENCH_PREFIX}:*`]) {
    for await (const keys of client.scanStream({ match: pattern, count: 1_000 })) {
      if (isNames(keys) && keys.length > 0) await client.unlink(...keys);
    }
  }
  const queues = (await client.smembers(QUEUES)).filter((name) => name.startsWith(BENCH_PREFIX));
  if (queues.length > 0) await client.srem(QUEUES, ...queues);
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value);
}
