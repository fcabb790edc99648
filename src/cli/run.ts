/** Runs the program once: parses, acts, reports errors, answers the exit code. */
import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import type { ProgramOptions } from './program-options.ts';
import { EXIT_FAILURE, EXIT_USAGE, reportError } from './report-error.ts';

/** How the command line reaches the world. */
export type CliOptions = Omit<ProgramOptions, 'fail'>;

/** Answers 0, 1 (failed, or not found), 2 (used wrongly) or 130 (stopped by Ctrl-C). Never rejects. */
export async function runCli(words: readonly string[], options: CliOptions): Promise<number> {
  let exitCode = 0;
  const fail = (code = EXIT_FAILURE): void => {
    exitCode = Math.max(exitCode, code);
  };
  try {
    await createProgram({ ...options, fail }).parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help, version and mistakes of usage: Commander has printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const report = reportError(error, isDebug(words, options.env));
    options.printError(report.text);
    return report.exitCode;
  }
}

/** Read from what was typed, since a wrong setting may be the very error that is reported. */
function isDebug(words: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const at = words.indexOf('--log-level');
  const level =
    at >= 0
      ? words[at + 1]
      : (words.find((word) => word.startsWith('--log-level='))?.slice(12) ?? env['LOG_LEVEL']);
  return level === 'debug' || level === 'trace';
}
