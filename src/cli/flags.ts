/** Settings as flags of a command, and what the user typed as a record by flag. */
import { type Command, Option } from 'commander';
import type { AnySetting } from '../config/setting.ts';
import { SETTINGS } from '../config/settings-table.ts';

/** Adds a flag for each of these settings. Values are checked later, all at once, with those of other sources. */
export function addSettingFlags(
  command: Command,
  isWanted: (setting: AnySetting) => boolean = () => true,
): Command {
  for (const setting of SETTINGS.filter(isWanted)) command.addOption(settingOption(setting));
  // Unknown flags end up among the arguments, so that they are reported together with wrong values.
  return command.allowUnknownOption().allowExcessArguments();
}

/** A setting as a flag. */
export function settingOption({ flag, placeholder, isSwitch, ...setting }: AnySetting): Option {
  const value = isSwitch ? `[${placeholder}]` : `<${placeholder}>`;
  const about = `(${setting.env}; default: ${setting.defaultText.replaceAll('`', '')})`;
  return new Option(`${flag} ${value}`, `${setting.description.replaceAll('`', '')} ${about}`);
}

/** What was typed: known flags by their long name, then unknown ones; stray words under `argument`. */
export function typedFlags(command: Command, arguments_ = 0): Record<string, unknown> {
  const values = command.opts<Record<string, unknown>>();
  const known = command.options.map(
    (option) => [option.long ?? '', values[option.attributeName()]] as const,
  );
  return {
    ...Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    ...unknownFlags(command.args.slice(arguments_)),
  };
}

/** The long names of a command's flags. */
export function knownFlags(command: Command): string[] {
  return [...command.options.map((option) => option.long ?? ''), '--help'];
}

/** `--name=value`, `--name value` or `--name`; a word that is no flag's value is an argument too many. */
function unknownFlags(words: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  let last: string | undefined; // the flag that still waits for a value
  for (const word of words) {
    if (word.startsWith('-')) {
      const [name = word, value] = word.split(/=(.*)/s, 2);
      found[name] = value ?? true;
      last = value === undefined ? name : undefined;
    } else {
      found[last ?? 'argument'] = word;
      last = undefined;
    }
  }
  return found;
}
