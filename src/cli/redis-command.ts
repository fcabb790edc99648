/** A command that talks to Redis: the flags that all of them have, and what its action is called with. */
import { type Command, Option } from 'commander';
import type { CommandInput } from '../config.ts';
import type { SettingName } from '../config/setting.ts';
import { SETTINGS } from '../config/settings-table.ts';
import { type AsynqRedisFlags, asynqRedisOptions, asynqRedisUrl } from './asynq-flags.ts';
import { settingOption } from './flags.ts';
import type { ProgramOptions } from './program-options.ts';

/** What an action works with. */
export interface Call<Flags = object> {
  /** The arguments, flags not among them. */
  readonly words: readonly string[];
  readonly flags: Flags & { readonly json?: boolean };
  /** Where the settings come from. */
  readonly input: CommandInput;
  readonly shell: ProgramOptions;
}

/** How a command is called. */
export interface CommandSpec {
  /** With its arguments: `pause <queue...>`. */
  readonly usage: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  readonly options?: readonly Option[];
  /** Command lines, and what else stands below the flags. */
  readonly examples: readonly string[];
  readonly notes?: string;
  /** Settings that are flags of it. Default: those of the connection. */
  readonly settings?: readonly SettingName[];
  /** What `--json` prints. */
  readonly json?: string;
}

const CONNECTION_SETTINGS: readonly SettingName[] = ['redis', 'connectTimeout'];

/** Adds the command. The action is to load what it needs when it is called. */
export function addRedisCommand<Flags extends object>(
  parent: Command,
  shell: ProgramOptions,
  spec: CommandSpec,
  action: (call: Call<Flags>) => Promise<void>,
): Command {
  const command = parent.command(spec.usage).description(spec.description);
  for (const alias of spec.aliases ?? []) command.alias(alias);
  for (const option of spec.options ?? []) command.addOption(option);
  command.option('--json', spec.json ?? 'print one line of JSON');
  command.option('--config <file>', 'config file, instead of threadmill.config.{js,mjs,ts} here');
  const settings = spec.settings ?? CONNECTION_SETTINGS;
  for (const row of SETTINGS.filter(({ option }) => settings.includes(option))) {
    command.addOption(settingOption(row));
  }
  addAsynqOptions(command);
  const examples = spec.examples.map((line) => `  ${line}`).join('\n');
  const notes = spec.notes === undefined ? '' : `\n\n${spec.notes}`;
  command.addHelpText('after', `\nExamples:\n${examples}${notes}`);
  return command.action(async () => action(callOf<Flags>(command, shell)));
}

/** Where a command has a flag of its own by that name, asynq's is left out. */
function addAsynqOptions(command: Command): void {
  for (const option of asynqRedisOptions()) {
    const isTaken = command.options.some(
      ({ long, short }) => long === option.long || (short !== undefined && short === option.short),
    );
    if (!isTaken) command.addOption(option);
  }
}

function callOf<Flags extends object>(command: Command, shell: ProgramOptions): Call<Flags> {
  const flags = command.opts<Flags & { json?: boolean; config?: string } & AsynqRedisFlags>();
  const settings = settingFlags(command);
  const typedUrl = settings['--redis-url'];
  const url = asynqRedisUrl(flags, typeof typedUrl === 'string' ? typedUrl : undefined);
  const { env, cwd } = shell;
  const input: CommandInput = {
    flags: url === undefined ? settings : { ...settings, '--redis-url': url },
    env,
    cwd,
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
  };
  return { words: command.args, flags, input, shell };
}

/** The settings among the flags, by their long name. */
function settingFlags(command: Command): Record<string, unknown> {
  const values = command.opts<Record<string, unknown>>();
  const rows = SETTINGS.map(({ flag }) => {
    const option = command.options.find(({ long }) => long === flag);
    return [flag, option === undefined ? undefined : values[option.attributeName()]] as const;
  });
  return Object.fromEntries(rows.filter(([, value]) => value !== undefined));
}

/** An option that may be given again: its values as a list. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser(
    (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
  );
}
