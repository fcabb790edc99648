/** The logger of `threadmill serve`, made alike in the supervisor and in its children. */
import type { Logger } from 'pino';
import type { ServeSettings } from '../config.ts';
import { createLogger } from '../logger.ts';

/** The config file's own logger, else lines on stdout. */
export function serveLogger(settings: ServeSettings): Logger {
  const { logPretty: pretty, logLevel: level, serverOptions } = settings;
  return serverOptions.logger ?? createLogger({ level, pretty });
}
