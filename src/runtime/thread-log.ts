/** Brings log lines of handlers out of the main thread's logger, bound to their task. */
import type { Logger } from 'pino';
import type { LogLevel, LogLine } from '../threads/messages.ts';
import type { ActiveTask, ActiveTasks } from './active-tasks.ts';
import { reportOf } from './run-report.ts';

/** A listener for the lines of all threads. What is logged is kept with its task as well. */
export function threadLog(
  logger: Logger,
  active: Pick<ActiveTasks, 'get'>,
): (lines: readonly LogLine[], threadId: number) => void {
  return (lines, threadId) => {
    for (const line of lines) {
      if (!logger.isLevelEnabled(line.level)) continue;
      const task = active.get(line.run);
      logger[line.level]({ ...fieldsOf(line), ...bindings(line, task), threadId }, line.message);
      if (task !== undefined) keep(task, line);
    }
  };
}

function bindings(line: LogLine, task: ActiveTask | undefined): Record<string, unknown> {
  const source = line.source === 'console' ? { source: 'console' } : {};
  if (task === undefined) return source;
  const { id: taskId, type, queue } = task.ref;
  if (task.aggregation !== undefined) {
    return { group: task.aggregation.parcel.name, queue, ...source };
  }
  return { taskId, type, queue, ...source };
}

function keep(task: ActiveTask, { level, message, fields }: LogLine): void {
  const text = [message, fields].filter((part) => part !== undefined && part !== '').join(' ');
  reportOf(task).log({ at: new Date(), level, text });
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
