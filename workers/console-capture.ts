/**
 * What handlers print becomes log lines of their task: `console`, and what other code writes to the two streams. Who
 * prints is known from the asynchronous context, so two tasks that take turns in one thread keep their lines apart.
 */
import { format } from 'node:util';
import type { LogLevel } from '../src/threads/messages.ts';
import { cutText, MAX_LINE_SIZE } from './log-fields.ts';
import type { Outbox } from './outbox.ts';
import type { RunOutput } from './run-output.ts';

type StreamName = 'stdout' | 'stderr';

const LEVEL_OF_METHOD = {
  log: 'info',
  info: 'info',
  debug: 'debug',
  warn: 'warn',
  error: 'error',
} as const;
const LEVEL_OF_STREAM = { stdout: 'info', stderr: 'warn' } as const;

/** Takes over `console` and the streams of this thread; `current` names the output of the running code. */
export function captureConsole(outbox: Outbox, current: () => RunOutput): void {
  for (const [method, level] of Object.entries(LEVEL_OF_METHOD)) {
    console[method as keyof typeof LEVEL_OF_METHOD] = (...values: unknown[]): void =>
      print(outbox, current(), level, values);
  }
  console.trace = (...values: unknown[]): void => {
    const at = new Error(format(...values));
    at.name = 'Trace';
    Error.captureStackTrace(at, console.trace);
    print(outbox, current(), 'trace', [at.stack]);
  };
  for (const stream of ['stdout', 'stderr'] as const) captureStream(outbox, current, stream);
}

function print(outbox: Outbox, output: RunOutput, level: LogLevel, values: unknown[]): void {
  outbox.log(output, level, 'console', () => ({
    message: cutText(format(...values), MAX_LINE_SIZE),
  }));
}

/** `console.table`, `console.dir` and libraries write to the streams; `write` keeps its signature. */
function captureStream(outbox: Outbox, current: () => RunOutput, stream: StreamName): void {
  const write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString();
    writeText(outbox, current(), stream, text);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  process[stream].write = write;
}

function writeText(outbox: Outbox, output: RunOutput, stream: StreamName, text: string): void {
  const whole = output.partial[stream] + text;
  let from = 0;
  for (let end = whole.indexOf('\n'); end !== -1; end = whole.indexOf('\n', from)) {
    const begin = from;
    if (end > begin) printPart(outbox, output, stream, () => whole.slice(begin, end));
    from = end + 1;
  }
  output.partial[stream] = whole.slice(from);
  if (output.partial[stream].length >= MAX_LINE_SIZE) endStream(outbox, output, stream);
}

function printPart(
  outbox: Outbox,
  output: RunOutput,
  stream: StreamName,
  part: () => string,
): void {
  outbox.log(output, LEVEL_OF_STREAM[stream], 'console', () => ({
    message: cutText(part(), MAX_LINE_SIZE),
  }));
}

/** Sends what was written without an end of line, before the run's outcome goes out. */
export function endStreams(outbox: Outbox, output: RunOutput): void {
  endStream(outbox, output, 'stdout');
  endStream(outbox, output, 'stderr');
}

function endStream(outbox: Outbox, output: RunOutput, stream: StreamName): void {
  const text = output.partial[stream];
  if (text === '') return;
  output.partial[stream] = '';
  printPart(outbox, output, stream, () => text);
}
