/** What a server says in the log when it has started. */
import type { Logger } from 'pino';
import type { RedisFacts } from '../broker/broker.ts';
import type { ServerSettings } from '../config.ts';

/** The start line, and a warning where Redis may lose tasks. */
export function logStart(
  logger: Logger,
  { threads, tasksPerThread, concurrency, concurrencySource, queues }: ServerSettings,
  { product, version, evictionPolicy }: RedisFacts,
  reports: readonly { readonly pattern: string }[],
): void {
  if (evictionPolicy !== undefined && evictionPolicy !== 'noeviction') {
    logger.warn(
      { policy: evictionPolicy },
      'Redis may evict tasks when its memory is full: set maxmemory-policy to noeviction',
    );
  }
  logger.info(
    {
      threads,
      tasksPerThread,
      concurrency,
      concurrencySource,
      queues,
      handlers: reports.map((report) => report.pattern),
      redis: `${product} ${version}`,
    },
    'started',
  );
}
