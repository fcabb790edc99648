/** What an action has to say: JSON for programs, text for people. */
import { RedisUnreachableError, toError } from '../errors.ts';
import { jsonLine } from './output/json.ts';
import type { Call } from './redis-command.ts';
import { EXIT_FAILURE, reportError } from './report-error.ts';

/** Prints the value as JSON where `--json` was typed, else the text. */
export function report(call: Call, value: unknown, text: () => string): void {
  call.shell.print(call.flags.json === true ? jsonLine(value) : text());
}

/**
 * Acts on each of the things that were named, whatever becomes of the others, and answers what went well. What goes
 * wrong is a line on stderr and exit code 1; without Redis it rejects, as every other would fail alike.
 */
export async function forEachNamed<Result>(
  { words, shell }: Call,
  act: (name: string) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of words) {
    try {
      results.push(await act(name));
    } catch (error) {
      if (error instanceof RedisUnreachableError) throw error;
      const failure = reportError(toError(error), false);
      shell.printError(failure.text);
      shell.fail(Math.max(failure.exitCode, EXIT_FAILURE));
    }
  }
  return results;
}
