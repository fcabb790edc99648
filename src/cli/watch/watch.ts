/** `threadmill watch`: the live view on a terminal, lines of JSON elsewhere. */
import { redactRedisUrl } from '../../config/redact.ts';
import { InvalidOptionsError, type OptionIssue } from '../../errors.ts';
import { Inspector } from '../../inspector/inspector.ts';
import { parseDuration } from '../../policy/duration.ts';
import { interruptible } from '../interrupt.ts';
import { clientOptions } from '../open-client.ts';
import { isColourful } from '../output/style.ts';
import type { Call } from '../redis-command.ts';
import { printJsonLines } from './json-lines.ts';
import { LiveView } from './live-view.ts';

/** What was typed besides settings. Text as it was typed. */
export interface WatchFlags {
  readonly interval: string;
  readonly count?: string;
}

/** A look more often than this would cost Redis more than the tasks it shows. */
const MIN_INTERVAL_MS = 200;

/** Watches until it is quit. Rejects with `InvalidOptionsError` for wrong flags; lines of JSON end when Redis is away. */
export async function watch({ flags, input, shell }: Call<WatchFlags>): Promise<void> {
  const { intervalMs, count } = readFlags(flags);
  const { redis, connectTimeout } = await clientOptions(input);
  const inspector = new Inspector({ redis, connectTimeout });
  const { stdin, stdout } = process;
  try {
    if (flags.json === true || count !== undefined || !stdout.isTTY) {
      const { print } = shell;
      const lines = { inspector, intervalMs, print, ...(count === undefined ? {} : { count }) };
      await untilReaderLeaves((signal) => printJsonLines({ ...lines, signal }));
      return;
    }
    const title = typeof redis === 'string' ? redactRedisUrl(redis) : '';
    const look = { title, isColourful: isColourful(stdout) };
    const terminal = { input: stdin, output: stdout };
    const signal = await new LiveView({ inspector, intervalMs, ...look, ...terminal }).run();
    // Ends as who sent the signal expects, now that the terminal is given back.
    if (signal !== undefined) process.kill(process.pid, signal);
  } finally {
    await inspector.close();
  }
}

function readFlags({ interval, count }: WatchFlags): { intervalMs: number; count?: number } {
  const issues: OptionIssue[] = [];
  let intervalMs = 0;
  try {
    intervalMs = parseDuration(interval);
  } catch {
    // said below
  }
  if (intervalMs < MIN_INTERVAL_MS) {
    issues.push({ name: '--interval', value: interval, accepts: 'a duration of 200ms or more' });
  }
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count)) {
    issues.push({ name: '--count', value: count, accepts: 'a number from 1 on' });
  }
  if (issues.length > 0) throw new InvalidOptionsError(issues);
  return { intervalMs, ...(count === undefined ? {} : { count: Number(count) }) };
}

/** Ctrl-C and SIGTERM end the lines after the last whole one, and so does a reader that goes away. */
function untilReaderLeaves(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const gone = new AbortController();
  const stop = (): void => gone.abort();
  process.stdout.once('error', stop).once('close', stop);
  return interruptible((signal) => work(AbortSignal.any([signal, gone.signal])));
}
