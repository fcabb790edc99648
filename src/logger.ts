/** The process's logger: JSON lines on stdout, or lines for people. Components log through children of it. */
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { redactRedisUrl } from './config/redact.ts';
import type { LogLevel } from './threads/messages.ts';

/** What a logger is made of. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel | 'silent';
  /** Lines for people instead of JSON. Default `false`. */
  readonly pretty?: boolean;
  /** Where the lines go. Default stdout, written synchronously, so that none is lost at exit. */
  readonly stream?: DestinationStream;
}

/** Keys whose values are never logged, at the top of a line's fields and two levels below. */
const SECRET_KEYS = ['password', 'secret', 'token', 'authorization'];

/**
 * A pino logger with secrets redacted. A field `task` is reduced to what names it, so that a payload cannot slip into
 * the log; a field `redisUrl` loses its password.
 */
export function createLogger({
  level = 'info',
  pretty: isPretty = false,
  stream,
}: LoggerOptions): Logger {
  return pino(
    {
      level,
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
      // Lines of handlers bring the number of their thread; all others come from the main one.
      mixin: () => ({ threadId: 0 }),
      serializers: { err: stdSerializers.err, task: nameTask, redisUrl: hidePassword },
    },
    isPretty ? prettyStream(stream) : (stream ?? stdout()),
  );
}

/** A child that says which component speaks. */
export function componentLogger(logger: Logger, component: string): Logger {
  return logger.child({ component });
}

/** As a plain function and not a transport: a transport is one more thread, and loses lines when the process ends. */
function prettyStream(stream: DestinationStream = stdout()): DestinationStream {
  const isTerminal = isatty(1) && process.env['NO_COLOR'] === undefined;
  const format = prettyFactory({
    colorize: isTerminal,
    ignore: 'hostname,threadId',
    customPrettifiers: { pid: nameThread },
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => stream.write(format(line)) };
}

/** Process and thread, `1234/2`; 0 is the main thread. */
function nameThread(pid: unknown, _key: string, log: object): string {
  const { threadId = 0 } = log as { readonly threadId?: unknown };
  return `${String(pid)}/${String(threadId)}`;
}

function stdout(): DestinationStream {
  return pino.destination({ dest: 1, sync: true });
}

function nameTask(task: unknown): unknown {
  if (typeof task !== 'object' || task === null) return task;
  const { id, type, queue, retried, maxRetry } = task as Readonly<Record<string, unknown>>;
  return { id, type, queue, retried, maxRetry };
}

function hidePassword(url: unknown): unknown {
  return typeof url === 'string' ? redactRedisUrl(url) : url;
}
