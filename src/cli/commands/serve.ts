/** `threadmill serve`: runs tasks. */
import type { Command } from 'commander';
import { addSettingFlags, knownFlags, typedFlags } from '../flags.ts';
import type { ProgramOptions } from '../program-options.ts';

const EXAMPLES = `
Examples:
  threadmill serve
  threadmill serve --handlers ./handlers --queues critical=6,default=3,low=1 --concurrency 4
  REDIS_URL=redis://localhost:6379 HTTP_PORT=off threadmill serve

Flags override the environment, which overrides threadmill.config.js (.mjs, .ts).`;

/** Adds the command. */
export function addServeCommand(program: Command, { env, cwd }: ProgramOptions): void {
  const command = program
    .command('serve')
    .description('Run tasks until stopped.')
    .option('--config <file>', 'config file, instead of threadmill.config.{js,mjs,ts} here')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      const { '--config': configFile, ...flags } = typedFlags(command);
      const { serve } = await import('../serve.ts');
      const file = typeof configFile === 'string' ? { configFile } : {};
      await serve({ flags, knownFlags: knownFlags(command), env, cwd, ...file });
    });
  addSettingFlags(command);
}
