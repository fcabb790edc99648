/** The commands and their flags. What they do is loaded when it is needed: `--help` starts no pool and no Redis. */
import { Command } from 'commander';
import type { CancelFlags } from './cancel.ts';
import { addSettingFlags, knownFlags, typedFlags } from './flags.ts';
import type { EnqueueFlags } from './enqueue.ts';
import { packageVersion } from './package-version.ts';

const CLIENT_SETTINGS: readonly string[] = ['redis', 'connectTimeout', 'maxPayloadSize'];

const SERVE_EXAMPLES = `
Examples:
  threadmill serve
  threadmill serve --handlers ./handlers --queues critical=6,default=3,low=1 --concurrency 4
  REDIS_URL=redis://localhost:6379 HTTP_PORT=off threadmill serve

Flags override the environment, which overrides threadmill.config.js (.mjs, .ts).`;

const ENQUEUE_EXAMPLES = `
Examples:
  threadmill enqueue image:resize --payload '{"path":"cat.jpg","width":200}'
  threadmill enqueue report:build --queue low --process-in 10m --retention 24h
  threadmill enqueue file:hash --payload-file ./big.bin --json

The type and all options are those of the client. Durations: milliseconds, or text such as 30s.`;

const CANCEL_EXAMPLES = `
Examples:
  threadmill cancel 6c7dbcb1-54ff-4b5d-9ab3-1d7a5d0f0b0e
  threadmill cancel report-42 --json

A running task fails with "context canceled" and is retried, or archived when no retries are left. A task that is not
running is not affected. The exit code is 1 when none is running.`;

/** How the commands reach the world; tests replace it. */
export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Writes a line for stdout. */
  print(line: string): void;
  /** Makes the exit code 1, of a command that has said what it found. */
  fail(): void;
}

/** The whole program. Its parser throws `CommanderError` instead of leaving the process. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command('threadmill')
    .description(
      'Runs CPU-heavy background tasks in parallel worker threads, over the Redis protocol of asynq.',
    )
    .version(packageVersion())
    .exitOverride();
  addServe(program, options);
  addEnqueue(program, options);
  addCancel(program, options);
  return program;
}

function addServe(program: Command, { env, cwd }: ProgramOptions): void {
  const command = program
    .command('serve')
    .description('Run tasks until stopped.')
    .option('--config <file>', 'config file, instead of threadmill.config.{js,mjs,ts} here')
    .addHelpText('after', SERVE_EXAMPLES)
    .action(async () => {
      const { '--config': configFile, ...flags } = typedFlags(command);
      const { serve } = await import('./serve.ts');
      await serve({ flags, knownFlags: knownFlags(command), env, cwd, ...fileOf(configFile) });
    });
  addSettingFlags(command);
}

function addEnqueue(program: Command, { env, cwd, print }: ProgramOptions): void {
  const command = program
    .command('enqueue')
    .description('Enqueue one task.')
    .argument('<type>', 'task type: chooses the handler')
    .option('--payload <text>', 'payload, stored as it is')
    .option('--payload-file <file>', 'file whose bytes are the payload')
    .option('--header <name=value>', 'header of the task; may be given again', collect)
    .option('--queue <name>', 'queue (default: default)')
    .option('--max-retry <number>', 'retries after the first failure, or Infinity (default: 25)')
    .option('--timeout <duration>', 'longest run time of one attempt (default: 30m)')
    .option(
      '--deadline <instant>',
      'instant after which the task fails: ISO 8601, or milliseconds since 1970',
    )
    .option('--process-at <instant>', 'not before this instant')
    .option('--process-in <duration>', 'not before this much time has passed')
    .option('--task-id <id>', 'ID, unique in its queue (default: a random UUID)')
    .option(
      '--retention <duration>',
      'how long the succeeded task and its result are kept (default: 0)',
    )
    .option('--config <file>', 'config file, instead of threadmill.config.{js,mjs,ts} here')
    .option('--json', 'print the task as one line of JSON')
    .addHelpText('after', ENQUEUE_EXAMPLES)
    .action(async (type: string) => {
      const configFile: unknown = command.opts()['config'];
      const { enqueue } = await import('./enqueue.ts');
      const flags = typedFlags(command, 1);
      const input = { flags, knownFlags: knownFlags(command), env, cwd, ...fileOf(configFile) };
      print(await enqueue(type, command.opts<EnqueueFlags>(), input));
    });
  addSettingFlags(command, ({ option }) => CLIENT_SETTINGS.includes(option));
}

function addCancel(program: Command, { env, cwd, print, fail }: ProgramOptions): void {
  const command = program
    .command('cancel')
    .description('Ask for a running task to be stopped.')
    .argument('<id>', 'ID of the task, in whatever queue')
    .option('--config <file>', 'config file, instead of threadmill.config.{js,mjs,ts} here')
    .option('--json', 'print the ID and the number of running tasks that were asked, as JSON')
    .addHelpText('after', CANCEL_EXAMPLES)
    .action(async (id: string) => {
      const configFile: unknown = command.opts()['config'];
      const { cancel } = await import('./cancel.ts');
      const flags = typedFlags(command, 1);
      const input = { flags, knownFlags: knownFlags(command), env, cwd, ...fileOf(configFile) };
      const { line, isRunning } = await cancel(id, command.opts<CancelFlags>(), input);
      print(line);
      if (!isRunning) fail();
    });
  addSettingFlags(command, ({ option }) => CLIENT_SETTINGS.includes(option));
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function fileOf(configFile: unknown): { configFile?: string } {
  return typeof configFile === 'string' ? { configFile } : {};
}
