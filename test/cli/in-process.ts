/** The command line in this very process, for what does not depend on a process: wrong usage, above all. */
import { runCli } from '../../src/cli/run.ts';

/** What a run printed, and its exit code. */
export interface RunHere {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function runHere(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RunHere> {
  const output = { stdout: '', stderr: '' };
  const code = await runCli(words, {
    env,
    cwd: '/',
    print: (line) => (output.stdout += `${line}\n`),
    printError: (line) => (output.stderr += `${line}\n`),
  });
  return { code, ...output };
}
