/** What a server says in the log when it has started. */
import type { Logger } from 'pino';
import type { RedisFacts } from '../broker/broker.ts';
import type { ServerSettings } from '../config.ts';
import type { HandlerReport } from '../threads/messages.ts';

/** The start line, and a warning where Redis may lose tasks. */
export function logStart(
  logger: Logger,
  { threads, tasksPerThread, concurrency, concurrencySource, queues }: ServerSettings,
  { product, version, evictionPolicy }: RedisFacts,
  reports: readonly Pick<HandlerReport, 'pattern' | 'isAggregator'>[],
): void {
  const patterns = (isWanted: boolean): string[] =>
    reports.filter((each) => (each.isAggregator === true) === isWanted).map((each) => each.pattern);
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
      handlers: patterns(false),
      ...(patterns(true).length === 0 ? {} : { aggregators: patterns(true) }),
      redis: `${product} ${version}`,
    },
    'started',
  );
}
