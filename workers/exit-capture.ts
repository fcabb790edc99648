/** `process.exit` in a handler ends its thread; here the thread hears of it before. */
import { syncBuiltinESMExports } from 'node:module';
import { ProcessExitError } from '../src/errors.ts';

/** Node's own, for an end that is not a handler's. */
export type Exit = (code: number) => never;

/**
 * Takes over `process.exit` of this thread: `onExit` is told in the context of the caller, then the thread ends as it
 * would have. Answers the real one. `process.abort` and `process.kill` concern the whole process and are left alone.
 */
export function captureExit(onExit: (error: ProcessExitError) => void): Exit {
  const exit = process.exit.bind(process);
  let isExiting = false;
  process.exit = (code?: number | string | null): never => {
    // Refuses what is no exit code, as Node does, before anything is told.
    if (code !== undefined && code !== null) process.exitCode = code;
    // Listeners of 'exit' may call it again.
    if (!isExiting) {
      isExiting = true;
      onExit(exitError(code ?? undefined));
    }
    return exit(code);
  };
  // For `import { exit } from 'node:process'`, where a preloaded module was before us.
  syncBuiltinESMExports();
  return (code) => {
    isExiting = true;
    return exit(code);
  };
}

/** Its stack begins in the handler. */
function exitError(code: number | string | undefined): ProcessExitError {
  const error = new ProcessExitError(code);
  Error.captureStackTrace(error, process.exit);
  return error;
}
