/** The commands and flags of the program, as completion scripts need them. */
import type { Command, Option } from 'commander';

/** What follows a flag. */
export type FlagValue = 'none' | 'any' | 'file' | readonly string[];

/** A flag of a command. */
export interface FlagNode {
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  readonly value: FlagValue;
}

/** A command, the program itself first. */
export interface CommandNode {
  /** `task list`; empty for the program. */
  readonly path: string;
  /** The path of the command above it; `undefined` for the program. */
  readonly parent?: string;
  /** Its name and its aliases. */
  readonly names: readonly string[];
  readonly description: string;
  readonly flags: readonly FlagNode[];
  /** What its first argument may be, where that is one of a few words. */
  readonly words: readonly string[];
}

/** All commands that are shown in `--help`, those above before those below. */
export function commandTree(program: Command): CommandNode[] {
  const root = { path: '', names: [], description: '', flags: flagsOf(program), words: [] };
  return [root, ...below(program, '')];
}

/** The commands right below a path. */
export function childrenOf(nodes: readonly CommandNode[], path: string): CommandNode[] {
  return nodes.filter(({ parent }) => parent === path);
}

function below(command: Command, parent: string): CommandNode[] {
  const commands = command.createHelp().visibleCommands(command);
  return commands
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => {
      const path = `${parent} ${each.name()}`.trim();
      const names = [each.name(), ...each.aliases()];
      const node = {
        path,
        parent,
        names,
        description: each.description(),
        flags: flagsOf(each),
        words: each.registeredArguments[0]?.argChoices ?? [],
      };
      return [node, ...below(each, path)];
    });
}

function flagsOf(command: Command): FlagNode[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) =>
      option.long === undefined
        ? []
        : [
            {
              long: option.long,
              ...(option.short === undefined ? {} : { short: option.short }),
              description: option.description,
              value: valueOf(option),
            },
          ],
    );
}

function valueOf(option: Option): FlagValue {
  if (option.argChoices !== undefined) return option.argChoices;
  if (/[<[](file|paths?)/.test(option.flags)) return 'file';
  return option.required || option.optional ? 'any' : 'none';
}
