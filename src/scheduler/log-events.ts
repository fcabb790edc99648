/** Puts what happens in a scheduler into the log. Payloads never appear. */
import type { Logger } from 'pino';
import type { SchedulerEmitter } from './events.ts';

/** Listens from now on. */
export function logSchedulerEvents(emitter: SchedulerEmitter, logger: Logger): void {
  emitter.on('enqueued', ({ entry, tick, taskId }) => {
    logger.debug({ entry, tick, taskId }, 'tick enqueued');
  });
  emitter.on('skipped', ({ entry, tick, error }) => {
    logger.warn({ entry, tick, err: error }, 'tick skipped');
  });
  emitter.on('missed', ({ entry, lastTick, enqueued }) => {
    logger.warn({ entry, lastTick, enqueued }, 'ticks missed');
  });
  emitter.on('fault', ({ where, error }) => {
    logger.error({ where, err: error }, 'fault in the background');
  });
}
