/** `threadmill serve`: settings, logger, Redis, server, metrics and HTTP, put together and taken apart again. */
import type { Logger } from 'pino';
import { redactRedisUrl } from '../config/redact.ts';
import type { RedisOption } from '../config/server-options.ts';
import { type CommandInput, resolveServeSettings, type ServeSettings } from '../config.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../embedded/embedded-redis.ts';
import { sharedRedisFolder } from '../embedded/shared-redis-url.ts';
import { PortInUseError } from '../errors.ts';
import { componentLogger, createLogger } from '../logger.ts';
import { Server } from '../runtime/server.ts';
import { type Observation, observe } from '../web/observe.ts';

/** Runs until a signal or an error ends the server. Rejects with the errors of its parts. */
export async function serve(input: CommandInput): Promise<void> {
  const settings = await resolveServeSettings(input);
  const logger =
    settings.serverOptions.logger ??
    createLogger({ level: settings.logLevel, pretty: settings.logPretty });
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
    await runServer(settings, redis, logger);
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
  const { host, port, path, sentinels, name } = 'options' in redis ? redis.options : redis;
  if (sentinels) return `sentinels of ${name ?? 'mymaster'}`;
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}

async function runServer(
  settings: ServeSettings,
  redis: RedisOption,
  logger: Logger,
): Promise<void> {
  const server = new Server({ ...settings.serverOptions, redis, logger });
  const observed = await openHttp(settings, server, logger);
  try {
    if (observed.url !== undefined) {
      componentLogger(logger, 'serve').info({ url: observed.url }, 'HTTP server listens');
    }
    await server.run();
  } finally {
    await observed.close();
  }
}

/** A port that nobody chose may be taken, e.g. by another runtime in this folder: then any free one will do. */
async function openHttp(
  settings: ServeSettings,
  server: Server,
  logger: Logger,
): Promise<Observation> {
  const { httpHost: host, httpPort: port, isHttpPortChosen, queueMetrics } = settings;
  try {
    return await observe(server, { host, port, queueMetrics });
  } catch (error) {
    if (isHttpPortChosen || !(error instanceof PortInUseError)) throw error;
    componentLogger(logger, 'serve').warn({ port }, 'HTTP port in use: taking any free one');
    return observe(server, { host, port: 0, queueMetrics });
  }
}
