/** The scheduler of `threadmill serve`: one in the supervisor, where no handler can hold it up. */
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ServeSettings } from '../config.ts';
import { componentLogger } from '../logger.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import { registerScheduleMetrics } from '../metrics/schedule-metrics.ts';
import { SchedulerEmitter } from '../scheduler/events.ts';
import { logSchedulerEvents } from '../scheduler/log-events.ts';
import { ScheduleRunner } from '../scheduler/schedule-runner.ts';

/** What the supervisor sees of it. */
export interface ServeSchedule {
  /** Does nothing when nothing is scheduled. Rejects as `Scheduler.start` does. */
  start(): Promise<void>;
  /** Never rejects, and lasts no longer than a moment: what could not be given back ends by itself. */
  stop(): Promise<void>;
}

/** How long the end may take; the fleet's own end waits for it. */
const END_MS = 300;

/** Makes the scheduler of these settings; starts nothing. Its metrics are there also when nothing is scheduled. */
export function openSchedule(
  { schedule, connectTimeoutMs }: Pick<ServeSettings, 'schedule' | 'connectTimeoutMs'>,
  { broker, metrics }: { readonly broker: Broker; readonly metrics: Pick<Metrics, 'registry'> },
  logger: Logger,
): ServeSchedule {
  const emitter = new SchedulerEmitter();
  registerScheduleMetrics(metrics.registry, emitter);
  if (schedule === undefined) return { start: async () => undefined, stop: async () => undefined };
  const log = componentLogger(logger, 'scheduler');
  logSchedulerEvents(emitter, log);
  const runner = new ScheduleRunner({ broker, schedule, connectTimeoutMs, emitter });
  return {
    start: async () => {
      await runner.start();
      log.info({ entries: runner.states.length, address: runner.address }, 'scheduler started');
    },
    stop: () => within(runner.stop(), END_MS),
  };
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
