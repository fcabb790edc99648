#!/usr/bin/env node
/** The `threadmill` command. Exit codes: 0 done, 1 failed, 2 used wrongly, 130 stopped by Ctrl-C. */
import { runCli } from './run.ts';

/** How long open handles may keep a finished command alive. */
const LINGER_MS = 2000;

/** The reader of a pipe may go away (`| head`): that ends the output, not the work. */
function ignoreBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

ignoreBrokenPipe(process.stdout);
ignoreBrokenPipe(process.stderr);

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  print: (line) => process.stdout.write(`${line}\n`),
  printError: (line) => process.stderr.write(`${line}\n`),
});

// Leaving the loop to run dry lets pipes drain; what is left after that is a leak that must not hold up a restart.
setTimeout(() => process.exit(), LINGER_MS).unref();
