/** How the commands reach the world; tests replace it. */
export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Writes a line for stdout: what was asked for. */
  print(line: string): void;
  /** Writes a line for stderr: what went wrong beside it. */
  printError(line: string): void;
  /** Sets the exit code of a command that has said what it found. Default 1. */
  fail(exitCode?: number): void;
}
