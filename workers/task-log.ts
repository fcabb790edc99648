import type { LogMethod, TaskLogger } from '../src/handler.ts';
import type { LogLevel } from '../src/threads/messages.ts';
import { makeLine } from './log-fields.ts';
import type { Outbox } from './outbox.ts';
import type { RunOutput } from './run-output.ts';

/** `ctx.log` of one run. Its methods may be taken off it. */
export function createTaskLog(outbox: Outbox, output: RunOutput): TaskLogger {
  const at =
    (level: LogLevel): LogMethod =>
    (first: unknown, message?: unknown) =>
      outbox.log(output, level, 'log', () => makeLine(first, message));
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}
