/** Brings log lines of handlers out of the main thread's logger, bound to their task. */
import type { Logger } from 'pino';
import type { LogLevel, LogLine } from '../threads/messages.ts';
import type { ActiveTasks } from './active-tasks.ts';

/** A listener for the lines of all threads. */
export function threadLog(
  logger: Logger,
  active: Pick<ActiveTasks, 'get'>,
): (lines: readonly LogLine[], threadId: number) => void {
  return (lines, threadId) => {
    for (const line of lines) {
      if (!logger.isLevelEnabled(line.level)) continue;
      logger[line.level]({ ...fieldsOf(line), ...bindings(line), threadId }, line.message);
    }
  };

  function bindings(line: LogLine): Record<string, unknown> {
    const task = active.get(line.run)?.ref;
    const source = line.source === 'console' ? { source: 'console' } : {};
    return task === undefined
      ? source
      : { taskId: task.id, type: task.type, queue: task.queue, ...source };
  }
}

function fieldsOf(line: LogLine): object {
  if (line.fields === undefined) return {};
  const fields: unknown = JSON.parse(line.fields);
  return typeof fields === 'object' && fields !== null ? fields : {};
}

const LEVELS: readonly (LogLevel | 'silent')[] = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
];

/** The level below which threads need not send lines. A logger with levels of its own gets all of them. */
export function threadLogLevel(logger: Pick<Logger, 'level'>): LogLevel | 'silent' {
  return LEVELS.find((level) => level === logger.level) ?? 'trace';
}
