/** Errors for people: one clear line for what Threadmill knows, a stack only for what it does not. */
import {
  describeIssue,
  InvalidOptionsError,
  RedisUnreachableError,
  ThreadmillError,
  toError,
} from '../errors.ts';
import { ChildStartError } from '../supervisor/child-start-error.ts';
import { UsageError } from './usage-error.ts';

/** Exit code when the command failed. */
export const EXIT_FAILURE = 1;
/** Exit code when the command was used wrongly: unknown flags, wrong settings. */
export const EXIT_USAGE = 2;

/** An error as text for stderr, and the exit code that goes with it. */
export interface ErrorReport {
  readonly text: string;
  readonly exitCode: number;
}

/** Every wrong setting has a line of its own. `isDebug` adds the stack and the causes. */
export function reportError(thrown: unknown, isDebug: boolean): ErrorReport {
  const error = toError(thrown);
  if (error instanceof InvalidOptionsError) {
    const { length } = error.issues;
    const title = length === 1 ? 'one setting is wrong' : `${length} settings are wrong`;
    const lines = error.issues.map((issue) => `  ${describeIssue(issue)}`);
    return { text: [`threadmill: ${title}`, ...lines].join('\n'), exitCode: EXIT_USAGE };
  }
  if (error instanceof UsageError) {
    return { text: `threadmill: ${error.message}`, exitCode: EXIT_USAGE };
  }
  if (error instanceof ChildStartError) return { text: error.text, exitCode: error.exitCode };
  if (error instanceof ThreadmillError) {
    const line = `threadmill: ${error.code}: ${error.message}${reasonOf(error)}`;
    return { text: isDebug ? `${line}\n${trace(error)}` : line, exitCode: EXIT_FAILURE };
  }
  return { text: `threadmill: ${trace(error)}`, exitCode: EXIT_FAILURE };
}

/** An error as one line of a list, in which each names what it is about. */
export function errorLine(error: Error): string {
  if (error instanceof InvalidOptionsError) return error.issues.map(describeIssue).join('; ');
  if (!(error instanceof ThreadmillError)) return error.message;
  return `${error.code}: ${error.message}${reasonOf(error)}`;
}

/** Why Redis was out of reach tells a wrong password from a wrong port; the connection keeps secrets out of it. */
function reasonOf(error: ThreadmillError): string {
  if (!(error instanceof RedisUnreachableError) || error.cause === undefined) return '';
  const [reason = ''] = toError(error.cause).message.split('\n');
  return reason === '' ? '' : ` (${reason})`;
}

function trace(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${trace(toError(error.cause))}`;
}
