/** Which Redis a server uses: the one it is told, or an embedded one. */
import type { RedisOption } from '../broker/connection.ts';
import { startEmbeddedRedis } from './embedded-redis.ts';

/** A Redis in use; `stop` lets go of it and does nothing where it is not ours. */
export interface RedisInUse {
  readonly redis: RedisOption;
  stop(): Promise<void>;
}

/** What was given, else `REDIS_URL`, else an embedded Redis in `.threadmill/redis` of the working directory. */
export async function redisFor(
  given: RedisOption | undefined,
  onInstall: (line: string) => void,
): Promise<RedisInUse> {
  const redis = given ?? (process.env.REDIS_URL || undefined);
  if (redis !== undefined) return { redis, stop: () => Promise.resolve() };
  const embedded = await startEmbeddedRedis({ persistent: true, onInstall });
  return { redis: embedded.url, stop: () => embedded.stop() };
}
