/** `threadmill serve`: settings, logger and Redis for the supervisor, put together and taken apart again. */
import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import type { RedisOptions } from 'ioredis';
import { redactRedisUrl } from '../config/redact.ts';
import type { RedisOption } from '../config/server-options.ts';
import { type CommandInput, resolveServeSettings } from '../config.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../embedded/embedded-redis.ts';
import { sharedRedisFolder } from '../embedded/shared-redis-url.ts';
import { componentLogger } from '../logger.ts';
import { serveLogger } from '../supervisor/serve-logger.ts';
import { supervise, type SuperviseOptions } from '../supervisor/supervise.ts';

/** Runs until a signal or an error ends it. Rejects with the errors of its parts. `more` is for tests. */
export async function serve(
  given: CommandInput,
  more: Pick<SuperviseOptions, 'maxSilenceMs'> = {},
): Promise<void> {
  const input = { ...given, isTerminal: given.isTerminal ?? isatty(1) };
  const settings = await resolveServeSettings(input);
  const logger = serveLogger(settings);
  const log = componentLogger(logger, 'serve');
  if (settings.configFile !== undefined)
    log.info({ file: settings.configFile }, 'config file read');
  log.info({ handlers: settings.handlers, source: settings.handlersSource }, 'handlers chosen');
  const embedded = settings.redis === undefined ? await startRedis(input.cwd, log) : undefined;
  try {
    const redis = settings.redis ?? embedded?.url ?? '';
    log.info(
      { redisUrl: describeRedis(redis), isEmbedded: embedded !== undefined },
      'Redis address',
    );
    const own = embedded === undefined ? {} : { redisUrl: embedded.url };
    await supervise({ input, settings, redis, ...own, logger, ...more });
  } finally {
    await embedded?.stop();
  }
}

function startRedis(cwd: string, log: Logger): Promise<EmbeddedRedis> {
  const folder = sharedRedisFolder(cwd);
  log.info({ folder }, 'REDIS_URL is not set: using a private Redis that keeps its data here');
  return startEmbeddedRedis({ persistent: true, folder, onInstall: (line) => log.info(line) });
}

/** Options and instances may hold secrets anywhere: only host and port are shown. */
function describeRedis(redis: RedisOption): string {
  if (typeof redis === 'string') return redactRedisUrl(redis);
  if ('isCluster' in redis && redis.isCluster) return 'a Redis Cluster';
  const options = ('options' in redis ? redis.options : redis) as RedisOptions;
  const { host, port, path, sentinels, name } = options;
  if (sentinels) return `sentinels of ${name ?? 'mymaster'}`;
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}
