/** The commands and their flags. What they do is loaded when it is needed: `--help` starts no pool and no Redis. */
import { Command } from 'commander';
import { addCancelCommand } from './commands/cancel.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addEnqueueCommand } from './commands/enqueue.ts';
import { addFleetCommands } from './commands/fleet.ts';
import { addQueueCommands } from './commands/queue.ts';
import { addServeCommand } from './commands/serve.ts';
import { addTaskCommands } from './commands/task.ts';
import { addDoctor } from './doctor/add-doctor.ts';
import { packageVersion } from './package-version.ts';
import type { ProgramOptions } from './program-options.ts';
import { addWatch } from './watch/add-watch.ts';

const EXAMPLES = `
Examples:
  threadmill serve --handlers ./handlers
  threadmill enqueue image:resize --payload '{"path":"cat.jpg","width":200}'
  threadmill stats
  threadmill task list --queue default --state retry
  threadmill queue --help

Redis is found by --redis-url or REDIS_URL; -u, -n, -U and -p of asynq's command work too.
Exit codes: 0 done; 1 failed, not found, or nothing matched; 2 used wrongly; 130 stopped by Ctrl-C.`;

/** The whole program. Its parser throws `CommanderError` instead of leaving the process. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command('threadmill')
    .description(
      'Runs CPU-heavy background tasks in parallel worker threads, over the Redis protocol of asynq.',
    )
    .version(packageVersion())
    .addHelpText('after', EXAMPLES)
    .configureOutput({
      writeOut: (text) => options.print(text.trimEnd()),
      writeErr: (text) => options.printError(text.trimEnd()),
    })
    .exitOverride();
  addServeCommand(program, options);
  addEnqueueCommand(program, options);
  addCancelCommand(program, options);
  addFleetCommands(program, options);
  addQueueCommands(program, options);
  addTaskCommands(program, options);
  addWatch(program, options);
  addDoctor(program, options);
  addCompletionCommand(program, options);
  return program;
}
