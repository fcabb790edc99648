/** Options that several commands have, under the names that asynq's command gave them. */
import { Option } from 'commander';
import type { TaskState } from '../../task.ts';
import { repeatable } from '../redis-command.ts';

/** `-q`, with or without a default. */
export function queueOption(defaultName?: string): Option {
  const option = new Option('-q, --queue <name>', 'queue');
  return defaultName === undefined ? option : option.default(defaultName);
}

/** `-s`, one of these states. */
export function stateOption(states: readonly TaskState[]): Option {
  return new Option('-s, --state <state>', 'state of the tasks').choices(states);
}

/** `-g`. */
export function groupOption(): Option {
  return new Option(
    '-g, --group <name>',
    'group; needed with the state aggregating, and only there',
  );
}

/** `-i`, which may be given again. */
export function idOption(): Option {
  return repeatable('-i, --id <id>', 'ID of a task, as the arguments are; may be given again');
}

/** `--page` and `--size`. */
export function pageOptions(): Option[] {
  return [
    new Option('--page <number>', 'page, from 1').default('1'),
    new Option('--size <number>', 'entries per page').default('30'),
  ];
}

/** `--yes`. */
export function yesOption(): Option {
  return new Option('-y, --yes', 'do not ask');
}
