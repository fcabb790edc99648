/** Says in the log what a person on call would want to know. Task data stays out of it: names and error texts only. */
import type { Logger } from 'pino';
import { RedisUnreachableError, ReplyLostError } from '../errors.ts';
import { redisRefusal } from '../policy/redis-refusal.ts';
import type { ServerEmitter } from './emitter.ts';

/** Faults of one place are logged once in this time; the rest is counted. Milliseconds. */
const QUIET_MS = 5_000;
/** Places that are remembered: some name a task or a thread, so there is no end of them. */
const MAX_PLACES = 100;

/** Listens to the emitter for the life of the server. */
export function logEvents(emitter: ServerEmitter, logger: Logger): void {
  emitter.on('started', ({ task, threadId }) => logger.debug({ task, threadId }, 'task started'));
  emitter.on('succeeded', ({ task, runMs }) => logger.debug({ task, runMs }, 'task succeeded'));
  emitter.on('retried', ({ task, error, delayMs, reason }) =>
    logger.warn({ task, err: error, delayMs, reason }, 'task failed, to be retried'),
  );
  emitter.on('archived', ({ task, error }) =>
    logger.error({ task, err: error }, 'task failed, archived'),
  );
  emitter.on('revoked', ({ task }) => logger.info({ task }, 'task revoked'));
  emitter.on('requeued', ({ task, reason }) => logger.info({ task, reason }, 'task requeued'));
  emitter.on('stopping', ({ task, reason }) => logger.info({ task, reason }, 'stopping task'));
  emitter.on('stuck', ({ task, reason }) =>
    logger.error(
      { task, reason },
      'the task cannot be stopped: its code is in a call that cannot be interrupted, and keeps its slot until it returns',
    ),
  );
  emitter.on('crashed', ({ task, crashes }) =>
    logger.error({ task, crashes }, 'the task ended the thread or process that ran it'),
  );
  emitter.on('lateError', ({ task, error }) =>
    logger.error({ task, err: error }, 'an error nobody caught, of a task that had ended'),
  );
  emitter.on('lost', ({ task }) =>
    logger.warn({ task }, 'the task was not ours any more; nothing was written'),
  );
  emitter.on('dropped', (event) => logger.warn(event, 'dropped a task ID without a task'));
  logGroups(emitter, logger);
  logRedis(emitter, logger);
  logFaults(emitter, logger);
}

function logGroups(emitter: ServerEmitter, logger: Logger): void {
  emitter.on('aggregated', (event) => logger.debug(event, 'group aggregated'));
  emitter.on('aggregationFailed', ({ error, ...event }) =>
    logger.error({ ...event, err: error }, 'group not aggregated: its tasks are back in it'),
  );
  emitter.on('reclaimed', (event) =>
    logger.warn(event, 'tasks that a lost server was aggregating are back in their group'),
  );
}

/** Each change once. */
function logRedis(emitter: ServerEmitter, logger: Logger): void {
  let wasUp = true;
  emitter.on('redis', ({ isUp, refusal }) => {
    if (!isUp) logger.error('Redis is not reachable');
    else if (refusal !== undefined) logger.error({ refusal }, 'Redis refuses to write');
    else logger.info(wasUp ? 'Redis writes again' : 'Redis is reachable again');
    wasUp = isUp;
  });
}

function logFaults(emitter: ServerEmitter, logger: Logger): void {
  const faults = new Map<string, { atMs: number; unsaid: number }>();
  emitter.on('fault', ({ where, error }) => {
    if (isOutage(error)) {
      logger.debug({ where, err: error }, 'met by an outage of Redis');
      return;
    }
    const last = faults.get(where);
    const now = performance.now();
    if (last !== undefined && now - last.atMs < QUIET_MS) {
      last.unsaid += 1;
      return;
    }
    faults.delete(where); // so that the order of the map is that of the times
    faults.set(where, { atMs: now, unsaid: 0 });
    const [oldest] = faults.keys();
    if (faults.size > MAX_PLACES && oldest !== undefined) faults.delete(oldest);
    const unsaid = last === undefined || last.unsaid === 0 ? {} : { notLogged: last.unsaid };
    logger.error({ where, err: error, ...unsaid }, 'fault in the background');
  });
}

/**
 * Said once, as the change of Redis's state; each service that meets it is no news. A lost reply is one as well: it ends
 * the connection.
 */
function isOutage(error: Error): boolean {
  return (
    error instanceof RedisUnreachableError ||
    error instanceof ReplyLostError ||
    redisRefusal(error) !== undefined
  );
}
